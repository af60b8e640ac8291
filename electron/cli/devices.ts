import type { Command } from 'commander';
import { table } from '../shared/table.ts';
import { withApp } from './app.ts';

/** `winnow devices`. */
export function addDevicesCommand(program: Command): void {
  program
    .command('devices')
    .description('list what models can run on, and why something cannot be used')
    .action(async () => {
      const devices = await withApp(undefined, (app) => app.devices({}));
      const rows = devices.map(({ name, description, available, reason, precisions }) => [
        name,
        available ? 'yes' : 'no',
        precisions.join(', '),
        reason ?? description,
      ]);
      process.stdout.write(table([['DEVICE', 'USABLE', 'PRECISIONS', 'DESCRIPTION'], ...rows]));
    });
}
