import path from 'node:path';
import type { Configuration } from 'electron-builder';
import { appFolder } from '../desktop.ts';
import { root } from '../setup.mjs';
import { commandFolder, systemFiles, WINDOW_EXECUTABLE } from './command/write-command.ts';
import { UNPACKED } from './installed-files.ts';

/** Folders below out/ that packaging writes. */
export const iconFolder = path.join(root, 'out/icons');
export const licenceFile = path.join(root, 'out/LICENCES.txt');
export const packageFolder = path.join(root, 'out/packages');

/**
 * Electron's switches that are burned in. As Node the binary is the command line (docs/decisions/0007-installed-command.md).
 */
export const fuses = {
  runAsNode: true,
  enableCookieEncryption: true,
  enableNodeOptionsEnvironmentVariable: false,
  enableNodeCliInspectArguments: false,
  enableEmbeddedAsarIntegrityValidation: true,
  onlyLoadAppFromAsar: true,
  grantFileProtocolExtraPrivileges: false,
} as const;

/** How electron-builder packages out/app. `electronDist`: a distribution of Electron that is at hand. */
export function configuration(electronVersion: string, electronDist: string | undefined): Configuration {
  return {
    appId: 'org.winnow.Winnow',
    productName: 'Winnow',
    copyright: 'Copyright the Winnow authors, Apache-2.0',
    electronVersion,
    ...(electronDist === undefined ? {} : { electronDist }),
    directories: { app: appFolder, output: packageFolder, buildResources: iconFolder },
    // node_modules holds just what is loaded; by itself the packager would choose anew.
    files: ['**/*', '!node_modules', { from: path.join(appFolder, 'node_modules'), to: 'node_modules' }],
    asarUnpack: UNPACKED,
    extraFiles: [{ from: path.join(commandFolder, 'bin'), to: 'bin' }],
    extraResources: [
      { from: licenceFile, to: 'LICENCES.txt' },
      { from: path.join(root, 'LICENSE'), to: 'LICENSE.txt' },
    ],
    npmRebuild: false, // all native modules speak Node-API, which Electron's Node speaks too
    publish: null,
    electronFuses: fuses,
    electronLanguages: ['en', 'en-US', 'de'],
    linux: {
      target: ['AppImage', 'deb'],
      executableName: WINDOW_EXECUTABLE,
      icon: iconFolder,
      category: 'Graphics',
      maintainer: 'The Winnow authors',
      synopsis: 'Labels folders of images offline',
    },
    deb: {
      fpm: Object.entries(systemFiles).map(([file, place]) => `${path.join(commandFolder, file)}=${place}`),
    },
    mac: {
      target: [{ target: 'dmg', arch: ['arm64', 'x64'] }],
      icon: path.join(iconFolder, 'icon.png'),
      category: 'public.app-category.photography',
      hardenedRuntime: true,
    },
    win: { target: ['nsis'], icon: path.join(iconFolder, 'icon.png') },
    nsis: { oneClick: false, perMachine: false, allowToChangeInstallationDirectory: true },
  };
}
