import Boxes from '@lucide/svelte/icons/boxes';
import GraduationCap from '@lucide/svelte/icons/graduation-cap';
import Images from '@lucide/svelte/icons/images';
import ListChecks from '@lucide/svelte/icons/list-checks';
import SlidersHorizontal from '@lucide/svelte/icons/sliders-horizontal';
import type { Component } from 'svelte';
import { matchPath } from '../lib/address/route.ts';
import type { Route } from '../lib/address/route.ts';

/** Properties of every view: the values of its pattern's `:names`, and the query of the address. */
export interface ViewProps {
  params: Record<string, string>;
  query: Record<string, string>;
}

/**
 * The sections of the rail, in order: the message `rail.<name>` is its title, `/<name>` its path, and Alt with its
 * number (from 1) opens it.
 */
export const sections = [
  { name: 'library', icon: Images },
  { name: 'runs', icon: ListChecks },
  { name: 'models', icon: Boxes },
  { name: 'teach', icon: GraduationCap },
  { name: 'settings', icon: SlidersHorizontal },
] as const;

export type Section = (typeof sections)[number]['name'];

export interface ViewDefinition {
  /** Of the path, such as `/runs/:runId/results`. */
  pattern: string;
  section: Section;
  load: () => Promise<{ default: Component<ViewProps> }>;
}

/** All views; a path opens the first whose pattern it matches. A view is kept while its path stays the same. */
export const views: ViewDefinition[] = [
  { pattern: '/library', section: 'library', load: () => import('./library/Library.svelte') },
  { pattern: '/labels', section: 'library', load: () => import('./labels/ImportLabels.svelte') },
  { pattern: '/new-run', section: 'runs', load: () => import('./new-run/NewRun.svelte') },
  { pattern: '/runs', section: 'runs', load: () => import('./runs/Runs.svelte') },
  { pattern: '/runs/:runId', section: 'runs', load: () => import('./run/Run.svelte') },
  { pattern: '/models', section: 'models', load: () => import('./models/Models.svelte') },
  { pattern: '/models/get', section: 'models', load: () => import('./get-model/GetModel.svelte') },
  { pattern: '/teach', section: 'teach', load: () => import('./teach/Trainings.svelte') },
  { pattern: '/teach/new', section: 'teach', load: () => import('./teach/NewTraining.svelte') },
  { pattern: '/teach/:trainingId', section: 'teach', load: () => import('./teach/TrainingView.svelte') },
  { pattern: '/settings', section: 'settings', load: () => import('./settings/Settings.svelte') },
  { pattern: '/runs/:runId/results', section: 'runs', load: () => import('./results/Results.svelte') },
  { pattern: '/runs/:runId/evaluate', section: 'runs', load: () => import('./evaluate/Evaluate.svelte') },
  { pattern: '/runs/:runId/export', section: 'runs', load: () => import('./export/Export.svelte') },
  { pattern: '/compare/:runId/:otherRunId', section: 'runs', load: () => import('./compare/Compare.svelte') },
];

export function findView(route: Route): { view: ViewDefinition; params: Record<string, string> } | undefined {
  for (const view of views) {
    const params = matchPath(view.pattern, route.path);
    if (params) return { view, params };
  }
  return undefined;
}
