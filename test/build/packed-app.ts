// Runs a packed app without Electron: its main process over the stand-in, its hosts under Node. Labels the sample pictures
// and those of a folder, imports a checkpoint, teaches a model some classes and loads the page and a picture; prints what
// came out as JSON.
import '../electron/support/electron-hooks.ts';
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Training } from '../../electron/shared/api/training.ts';
import type { AppEvent } from '../../electron/shared/app-api.ts';
import type { AppCall } from '../../electron/shared/app-api.ts';
import { CHANNELS } from '../../electron/shared/ipc.ts';
import { app, BrowserWindow, called, schemes, utilityProcess } from '../electron/support/electron-double.ts';
import { ask, opened } from '../electron/main/page.ts';

const [root = '', checkpoint = '', pictures = '', classes = ''] = process.argv.slice(2);

utilityProcess.onStart = (host) => {
  const [entry] = called('utilityProcess.fork').at(-1) as [string];
  const child = fork(entry, [], {
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  host.pid = child.pid;
  child.on('message', (message) => void host.emit('message', message));
  child.on('exit', (code) => void host.emit('exit', code));
  host.on('posted', (message: object) => child.send(message));
};

async function call(name: AppCall, request: object): Promise<unknown> {
  const answer = (await ask(CHANNELS.call, [name, request])) as {
    value?: unknown;
    error?: { message: string };
  };
  if (answer.error !== undefined) throw new Error(answer.error.message);
  return answer.value;
}

function events(): AppEvent[] {
  const { sent } = opened().webContents;
  return sent.filter(([channel]) => channel === CHANNELS.event).map(([, event]) => event as AppEvent);
}

async function load(path: string): Promise<string> {
  const handler = schemes.get('winnow');
  if (handler === undefined) throw new Error('Nothing answers winnow:');
  const { status, headers } = await handler(new Request(`winnow://app${path}`));
  return `${status} ${headers.get('content-type') ?? ''}`;
}

function isOver({ state }: Training): boolean {
  return state === 'done' || state === 'failed' || state === 'paused';
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

process.argv.splice(1); // as a packaged app is started
await import(pathToFileURL(join(root, 'electron/main/main.mjs')).href);
while (BrowserWindow.opened.length === 0) {
  const [said] = called('showErrorBox');
  if (said !== undefined) throw new Error(said.join(': '));
  await turn();
}
await call('queueRun', { folders: [join(root, 'resources/samples/everyday'), pictures] });
const endOf = () => events().find((event) => event.type === 'ended');
while (endOf() === undefined) await turn();
const model = (await call('importModel', { file: checkpoint, name: 'imported' })) as {
  manifest: { labels: { name: string }[] };
};
await call('startTraining', { folder: classes, method: 'head', name: 'taught' });
const taught = () => events().find((event) => event.type === 'training' && isOver(event.training));
while (taught() === undefined) await turn();
const found = {
  taught: taught(),
  run: endOf(),
  page: await load('/'),
  image: await load('/image/1'),
  thumbnail: await load('/thumbnail/1'),
  listed: ((await call('findImages', { runId: 1, filter: {}, sort: 'path' })) as { imageIds: Uint32Array })
    .imageIds.length,
  labels: model.manifest.labels.map(({ name }) => name),
};
process.stdout.write(JSON.stringify(found));
app.quit();
while (app.quits < 2) await turn();
process.exit();
