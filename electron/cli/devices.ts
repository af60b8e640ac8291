import type { Command } from 'commander';
import { GPU_BACKENDS } from '../shared/run.ts';
import type { Device, GpuFacts } from '../shared/run.ts';
import { table } from '../shared/table.ts';
import { withApp } from './app.ts';
import { bytes, oneLine } from './format.ts';
import { addLibraryOption } from './options.ts';
import type { LibraryOption } from './options.ts';
import { print } from './terminal.ts';

const NO_GPU_LIBRARY =
  'There is no GPU to use: the libraries that know their drivers (winnow-cuda, winnow-metal) do not lie beside the engine.';

/** `winnow devices`. */
export function addDevicesCommand(program: Command): void {
  const command = program
    .command('devices')
    .description('list what models can run on, and why something cannot be used')
    .option('--again', 'try GPUs again, also those that did not pass their trial');
  addLibraryOption(command).action(async ({ library, ...options }: LibraryOption & { again?: true }) => {
    print(describeDevices(await withApp(library, (app) => app.devices(options))));
  });
}

/** The devices as a table, and below it why no GPU is used, or how several are. */
export function describeDevices(devices: readonly Device[]): string {
  const hasGpus = devices.some(({ gpu }) => gpu !== undefined);
  const rows = devices.map(({ name, description, available, precisions, gpu }) => [
    name,
    available ? 'yes' : 'no',
    precisions.join(', '),
    ...(hasGpus ? gpuColumns(gpu) : []),
    oneLine(description),
  ]);
  const columns = hasGpus ? ['BACKEND', 'MEMORY', 'DRIVER'] : [];
  const heading = ['DEVICE', 'USABLE', 'PRECISIONS', ...columns, 'DESCRIPTION'];
  const reasons = devices.flatMap(({ name, reason }) =>
    reason === undefined ? [] : [`${name} is not used: ${oneLine(reason)}\n`],
  );
  return [table([heading, ...rows]), ...reasons, gpuSentence(devices)].join('');
}

function gpuColumns(gpu: GpuFacts | undefined): string[] {
  if (gpu === undefined) return ['', '', ''];
  const memory = `${bytes(gpu.freeBytes)} free of ${bytes(gpu.memoryBytes)}`;
  return [GPU_BACKENDS[gpu.backend], memory, oneLine(gpu.driver)];
}

/** What is to be said of all GPUs together; empty when their rows say it. */
function gpuSentence(devices: readonly Device[]): string {
  const usable = devices.filter(({ gpu, available }) => gpu !== undefined && available);
  const [first] = usable;
  if (first?.gpu !== undefined && usable.length > 1)
    return `--device ${first.gpu.backend} lets ${usable.length} GPUs share a run, as auto does; --device ${first.name} takes one.\n`;
  const others = ['cpu', 'reference'];
  return devices.every(({ name }) => others.includes(name)) ? `${NO_GPU_LIBRARY}\n` : '';
}
