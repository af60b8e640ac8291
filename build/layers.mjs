// Who may import whom, as an ESLint rule over one table.
import path from 'node:path';
import { root } from './setup.mjs';

/**
 * A layer is a folder; it may import itself, the layers listed here and packages. build/ and test/ are no layers:
 * they may import anything, and no layer may import them.
 * @type {Record<string, string[]>}
 */
export const layers = {
  'electron/shared': [],
  'electron/core': ['electron/shared'],
  'electron/engine': ['electron/shared'],
  'electron/preload': ['electron/shared'],
  'electron/serve': ['electron/core', 'electron/engine', 'electron/shared'],
  'electron/main': ['electron/core', 'electron/engine', 'electron/serve', 'electron/shared'],
  'electron/cli': ['electron/core', 'electron/engine', 'electron/serve', 'electron/shared'],
  renderer: ['electron/shared'],
};

const mayImportElectron = ['electron/main', 'electron/preload'];

/** The folder of the table, or build or test, that a file lies in; undefined for files at the root.
 * @param {string} file absolute */
function layerOf(file) {
  const relative = path.relative(root, file).split(path.sep).join('/');
  return [...Object.keys(layers), 'build', 'test'].find((layer) => relative.startsWith(`${layer}/`));
}

/** Why `file` must not import `source`, or undefined when it may.
 * @param {string} file absolute @param {string} source as written in the import */
function objection(file, source) {
  const from = layerOf(file);
  const allowed = from === undefined ? undefined : layers[from];
  if (from === undefined || allowed === undefined) return undefined;
  if (!source.startsWith('.')) {
    const isElectron = source === 'electron' || source.startsWith('electron/');
    return isElectron && !mayImportElectron.includes(from) ? `${from} must not import electron.` : undefined;
  }
  const to = layerOf(path.resolve(path.dirname(file), source));
  if (to === undefined || to === from || allowed.includes(to)) return undefined;
  return `${from} must not import ${to}; it may import ${allowed.join(', ') || 'packages only'}.`;
}

/** @type {import('eslint').Rule.RuleModule} */
export const layersRule = {
  meta: { type: 'problem', docs: { description: 'imports follow the layers of docs/architecture.md' } },
  create(context) {
    /** @param {{ source?: import('estree').Node | null | undefined }} node */
    const check = ({ source }) => {
      if (source?.type !== 'Literal' || typeof source.value !== 'string') return;
      const message = objection(context.filename, source.value);
      if (message) context.report({ node: source, message });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportAllDeclaration: check,
      ExportNamedDeclaration: check,
    };
  },
};
