import { once } from 'node:events';
import { join } from 'node:path';
import type { Command } from 'commander';
import { dataFolder } from '../core/files/data-folder.ts';
import { pauseRun } from '../serve/pause-run.ts';
import { serveWindow } from '../serve/server.ts';
import { keepToken } from '../serve/token-file.ts';
import { AppError } from '../shared/errors.ts';
import { withApp } from './app.ts';
import { EXIT } from './exit.ts';
import { addLibraryOption, number } from './options.ts';
import type { LibraryOption } from './options.ts';
import { print, tell } from './terminal.ts';

const DEFAULT_PORT = 4747;
const windowFolder = join(import.meta.dirname, '../../out/renderer');

interface ServeOptions extends LibraryOption {
  port: number;
  newToken?: boolean;
}

/** `winnow serve`. */
export function addServeCommand(program: Command): void {
  const command = program
    .command('serve')
    .description('show the window in a browser of this computer, or of another over SSH')
    .option('--port <n>', 'port on this computer; 0 takes any that is free', number, DEFAULT_PORT)
    .option('--new-token', 'make another token: addresses and windows of before are let in no more');
  addLibraryOption(command).action((options: ServeOptions) => serve(options));
}

async function serve({ library, port, newToken = false }: ServeOptions): Promise<void> {
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new AppError('BAD_ARGUMENT', `A port must be a whole number from 0 to 65535, but is ${port}`);
  const { token, notice } = keepToken(join(dataFolder(), 'serve-token'), newToken);
  if (notice !== undefined) tell(`${notice}\n`);
  await withApp(library, async (app) => {
    const server = await serveWindow({ app, windowFolder, port, token });
    print(instructions(server.url, server.port));
    void app.readAhead();
    await interruption();
    process.once('SIGINT', () => process.exit(EXIT.failed));
    tell('Saving the images under way; press Ctrl-C again to quit at once.\n');
    try {
      await pauseRun(app);
    } finally {
      await server.close();
    }
  });
}

function interruption(): Promise<unknown> {
  return Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}

function instructions(url: string, port: number): string {
  return (
    `Winnow is open at\n\n  ${url}\n\n` +
    'for whoever has this address, on this computer only. From another computer, forward the port and open the\n' +
    `same address there:\n\n  ssh -L ${port}:127.0.0.1:${port} <user>@<this computer>\n\n` +
    'It stays the same until `winnow serve --new-token`. Ctrl-C ends it; a run that is under way saves what it has and\n' +
    'can be resumed.\n'
  );
}
