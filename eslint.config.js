import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { layersRule } from './build/layers.mjs';

// The parser gives TypeScript a component's script in place of its markup, once for all that import it: lint of .svelte
// takes half as long and knows what a component hands to its snippets. It reads the variable when it is loaded.
process.env['SVELTE_ESLINT_PARSER_EXPERIMENTAL_TS_SYS_HOOK'] ??= '1';
const { default: svelte } = await import('eslint-plugin-svelte');

const safeTestCalls = { from: 'package', package: 'node:test', name: ['test', 'suite', 'describe', 'it'] };

/** The types of components are known to svelte-check alone: to lint, what a component hands over is `any`. */
const rulesAboutAny = ['argument', 'assignment', 'call', 'member-access', 'return'].map(
  (what) => `@typescript-eslint/no-unsafe-${what}`,
);

/** Names that no reader from outside knows; comments and names have the field's. */
const houseWords = [
  ...'Turns lane lanes Lane DeviceLanes desk RunDesk TrainingDesk ExportDesk places Places'.split(' '),
  ...'school School house poison mortal looks unclassify unprune unembed Way'.split(' '),
];

export default defineConfig([
  globalIgnores(['out/', 'node_modules/']),
  {
    files: ['**/*.ts', '**/*.mjs', '**/*.js', '**/*.svelte'],
    extends: [tseslint.configs.strictTypeChecked],
    plugins: { winnow: { rules: { layers: layersRule } } },
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.svelte'],
      },
    },
    linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' },
    rules: {
      'winnow/layers': 'error',
      eqeqeq: 'error',
      'prefer-const': 'error',
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ObjectExpression > SpreadElement > ObjectExpression',
          message: 'Write the properties themselves.',
        },
        {
          selector: 'ArrayExpression > SpreadElement > ArrayExpression',
          message: 'Write the elements themselves.',
        },
        {
          selector: `Identifier[name=/^(${houseWords.join('|')})$/]`,
          message: 'The glossary of docs/architecture.md has the term of the field.',
        },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/no-floating-promises': ['error', { allowForKnownSafeCalls: [safeTestCalls] }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
    },
  },
  {
    files: ['electron/cli/**'],
    ignores: ['electron/cli/terminal.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        ...['stdout', 'stderr'].map((property) => ({
          object: 'process',
          property,
          message: 'What people read goes through electron/cli/terminal.ts, which escapes it.',
        })),
      ],
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    extends: [svelte.configs.recommended],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
    rules: {
      'prefer-const': 'off', // $props and $state are assigned by Svelte
      'svelte/prefer-const': ['error', { excludedRunes: ['$props', '$bindable', '$state'] }],
      'svelte/no-navigation-without-resolve': 'off', // of SvelteKit, which is not here
    },
  },
  {
    files: ['**/*.svelte'],
    rules: Object.fromEntries(rulesAboutAny.map((rule) => [rule, 'off'])),
  },
]);
