// Who may import whom, as an ESLint rule over two tables.
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

/**
 * The folders inside of electron/core, from the ground up: each may import itself and those listed, which all stand above
 * it here, so nothing goes round. What lies in electron/core itself joins them, and may import all.
 * @type {Record<string, string[]>}
 */
export const coreLayers = {
  models: [],
  files: [],
  store: ['models', 'files'],
  columns: ['store'],
  packages: ['models', 'files'],
  checkpoint: ['models', 'files', 'packages'],
  registry: ['models', 'files', 'packages', 'checkpoint'],
  catalogue: ['files', 'packages', 'checkpoint', 'registry'],
  download: ['files'],
  outputs: ['files', 'store'],
  library: ['files', 'store'],
  pictures: ['files', 'store'],
  results: ['models', 'store'],
  transfer: ['files', 'store', 'results'],
  export: ['models', 'files', 'store', 'results', 'transfer'],
  evaluate: ['models', 'files', 'store', 'results', 'export'],
  calibration: ['models', 'files', 'store', 'results', 'evaluate'],
  runs: ['models', 'files', 'store', 'registry', 'results', 'calibration'],
  labels: ['models', 'files', 'store', 'results', 'export', 'evaluate'],
  reading: ['columns', 'store', 'results', 'export', 'evaluate', 'labels', 'runs'],
  'training/journal': ['files', 'store'],
  'training/pictures': ['models', 'files', 'store', 'results', 'export', 'runs'],
  'training/steps': ['models', 'files', 'packages', 'evaluate', 'runs', 'training/journal'],
  training: [
    'models',
    'files',
    'packages',
    'registry',
    'store',
    'results',
    'runs',
    'training/journal',
    'training/pictures',
    'training/steps',
  ],
  app: ['files', 'store', 'registry', 'outputs', 'reading'],
  services: [
    'models',
    'files',
    'store',
    'packages',
    'checkpoint',
    'registry',
    'catalogue',
    'download',
    'outputs',
    'pictures',
    'results',
    'export',
    'labels',
    'calibration',
    'runs',
    'training',
    'training/journal',
    'training/pictures',
    'training/steps',
    'app',
  ],
  calls: [
    'models',
    'files',
    'store',
    'packages',
    'checkpoint',
    'registry',
    'catalogue',
    'outputs',
    'library',
    'pictures',
    'results',
    'transfer',
    'export',
    'evaluate',
    'labels',
    'calibration',
    'runs',
    'reading',
    'training',
    'app',
    'services',
  ],
};

const CORE = 'electron/core';

/** Modules that can reach another computer, or be reached by one. */
const NETWORK = /^(node:)?(net|http|https|http2|tls|dgram)$|^(undici|ws|partysocket)$/;

/** Who may import which of them, file or folder: the one that connects to other hosts, and those that only serve the window. */
const network = {
  'electron/core/download/http.ts': /^undici$/, // connects to the hosts of models, and nobody else does
  'electron/serve': /^(node:http|ws)$/, // answers browsers of this computer
  'renderer/lib/connection': /^partysocket$/, // a window in a browser, to its own origin
};

/** What reaches other computers without being imported. */
const NETWORK_GLOBALS = ['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest'];

const mayImportElectron = ['electron/main', 'electron/preload'];

/** Which of the folders a file lies in, the deepest first; undefined for none of them.
 * @param {string} file from the root, with forward slashes @param {string[]} folders */
function folderOf(file, folders) {
  return folders
    .filter((folder) => file.startsWith(`${folder}/`))
    .sort((one, other) => other.length - one.length)[0];
}

/** The folder of the first table, or build or test, that a file lies in; undefined for files at the root.
 * @param {string} file from the root */
const layerOf = (file) => folderOf(file, [...Object.keys(layers), 'build', 'test']);

/** Likewise of the second table, as it is written there.
 * @param {string} file from the root */
const coreLayerOf = (file) =>
  file.startsWith(`${CORE}/`) ? folderOf(file.slice(CORE.length + 1), Object.keys(coreLayers)) : undefined;

/** @param {string} file absolute */
const fromRoot = (file) => path.relative(root, file).split(path.sep).join('/');

/** Why `file` must not import `source`, or undefined when it may.
 * @param {string} file absolute @param {string} source as written in the import */
function objection(file, source) {
  const importing = fromRoot(file);
  const from = layerOf(importing);
  const allowed = from === undefined ? undefined : layers[from];
  if (from === undefined || allowed === undefined) return undefined;
  if (NETWORK.test(source)) return networkObjection(importing, source);
  if (!source.startsWith('.')) {
    const isElectron = source === 'electron' || source.startsWith('electron/');
    return isElectron && !mayImportElectron.includes(from) ? `${from} must not import electron.` : undefined;
  }
  const imported = fromRoot(path.resolve(path.dirname(file), source));
  const to = layerOf(imported);
  if (to !== undefined && to !== from && !allowed.includes(to)) return refusal(from, to, allowed);
  return from === CORE && to === CORE ? coreObjection(importing, imported) : undefined;
}

/** Why a file must not import what reaches other computers, or undefined when it may.
 * @param {string} file from the root @param {string} source */
function networkObjection(file, source) {
  const isAllowed = Object.entries(network).some(
    ([place, modules]) => (file === place || file.startsWith(`${place}/`)) && modules.test(source),
  );
  return isAllowed ? undefined : `${file} must not import ${source}: ${ONLY}`;
}

const ONLY = 'only electron/core/download/http.ts connects to other computers.';

/** The same between two files of electron/core.
 * @param {string} importing from the root @param {string} imported from the root */
function coreObjection(importing, imported) {
  const from = coreLayerOf(importing);
  if (from === undefined) return undefined;
  const to = coreLayerOf(imported);
  const allowed = coreLayers[from] ?? [];
  if (to === from || (to !== undefined && allowed.includes(to))) return undefined;
  return refusal(`${CORE}/${from}`, to === undefined ? `what lies in ${CORE} itself` : to, allowed);
}

/** @param {string} from @param {string} to @param {string[]} allowed */
function refusal(from, to, allowed) {
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
    /** @param {import('estree').Node} node @param {string} name */
    const refuseGlobal = (node, name) =>
      context.report({ node, message: `${fromRoot(context.filename)} must not use ${name}: ${ONLY}` });
    const isProcess = fromRoot(context.filename).startsWith('electron/');
    return {
      'Program:exit': (node) => {
        const scope = isProcess ? context.sourceCode.getScope(node) : undefined;
        for (const { identifier } of scope?.through ?? [])
          if (identifier.type === 'Identifier' && NETWORK_GLOBALS.includes(identifier.name))
            refuseGlobal(identifier, identifier.name);
      },
      MemberExpression: (node) => {
        const { object, property } = node;
        if (!isProcess || object.type !== 'Identifier' || property.type !== 'Identifier') return;
        const name = property.name;
        if (object.name === 'globalThis' && NETWORK_GLOBALS.includes(name)) refuseGlobal(node, name);
      },
      'ImportDeclaration[source.value="electron"] > ImportSpecifier[imported.name="net"]': (
        /** @type {import('estree').Node} */ node,
      ) => refuseGlobal(node, "electron's net"),
      ImportDeclaration: check,
      ImportExpression: check,
      ExportAllDeclaration: check,
      ExportNamedDeclaration: check,
    };
  },
};
