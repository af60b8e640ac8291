import { registerHooks } from 'node:module';

/** From here on, `electron` is the stand-in. Import this before anything that imports electron. */
registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier === 'electron' ? new URL('electron-double.ts', import.meta.url).href : specifier, context),
});
