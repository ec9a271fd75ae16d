import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { Operation } from '../../http/index.js';
import { maskRemote } from '../../text/index.js';
import type { JsonObject } from '../../json/index.js';
import { withErrorPrefixes } from '../installation/installation-errors.js';
import {
  InstallCanvasExtensionRequestDto,
  nameField,
  OTHER_NAME,
  UpdateCanvasExtensionStateRequestDto,
} from '../installation/installation.dto.js';
import { Installations } from '../installation/installations.js';
import type { InstalledExtension } from '../installation/installed-file.js';
import { ExtensionNamePipe } from '../installation/name.pipe.js';
import { CanvasBackends } from './backends/canvas-backends.js';
import { readCanvasManifest } from './canvas-manifest.js';

const tag = 'Canvas extensions';
const path = {
  extension_name: {
    ...nameField(OTHER_NAME).schema(),
    description: 'Name of the installed canvas extension.',
  },
};
const NAME = 'extension_name';
const name = new ExtensionNamePipe(NAME, OTHER_NAME);
const ERROR_PREFIXES = { unavailable: 'Could not read canvas extension source:', invalid: '' };

type InstalledCanvasExtension = InstalledExtension & { manifest: JsonObject | null };

/** Installed canvas extensions. */
@Controller('api/canvas-extensions')
export class CanvasExtensionsController {
  constructor(
    private readonly installations: Installations,
    private readonly backends: CanvasBackends,
  ) {}

  @Post('install')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Install a canvas extension',
    description:
      'The extension is disabled until it is enabled: its script runs in the web UI with the rights of the user.',
    body: {
      schema: InstallCanvasExtensionRequestDto,
      example: { source: './workspace/examples/hello' },
      after: ['Bash_execute#canvas-extension'],
    },
    answers: { 200: { description: 'The installed extension.', schema: 'InstalledCanvasExtensionResponse' } },
    errors: {
      400: 'The source cannot be fetched.',
      409: 'An extension with this name is installed and `force` is not set, or `force` is set while back ends run.',
      422: 'The source has no valid manifest.',
    },
  })
  async install(@Body() request: InstallCanvasExtensionRequestDto): Promise<InstalledCanvasExtension> {
    const install = () => this.installations.canvas.install(request);
    return info(await withPrefixes(this.backends.installExclusively(request.force, install)));
  }

  @Get('installed')
  @Scope('read')
  @Operation({
    tag,
    summary: 'List installed canvas extensions',
    description: 'Lists them in the order of their installation, disabled ones included.',
    answers: {
      200: { description: 'The installed extensions.', schema: 'InstalledCanvasExtensionsListResponse' },
    },
  })
  async list(): Promise<{ canvas_extensions: InstalledCanvasExtension[] }> {
    const extensions = await withPrefixes(this.installations.canvas.list());
    return { canvas_extensions: await Promise.all(extensions.map(info)) };
  }

  @Get('installed/:extension_name')
  @Scope('read')
  @Operation({
    tag,
    summary: 'Get an installed canvas extension',
    description: 'Includes the manifest, as far as it can be read.',
    path,
    answers: { 200: { description: 'The installed extension.', schema: 'InstalledCanvasExtensionResponse' } },
    errors: { 404: 'No canvas extension with this name is installed.' },
  })
  async get(@Param(NAME, name) extension: string): Promise<InstalledCanvasExtension> {
    return info(await withPrefixes(this.installations.canvas.get(extension)));
  }

  @Patch('installed/:extension_name')
  @Scope('admin')
  @Operation({
    tag,
    summary: 'Enable or disable a canvas extension',
    description: 'Disabling it stops its back end.',
    path,
    body: {
      schema: UpdateCanvasExtensionStateRequestDto,
      example: { enabled: true },
      after: ['Bash_execute#canvas-extension', 'CanvasExtensions_install'],
    },
    answers: {
      200: { description: 'The new state of the extension.', schema: 'UpdateCanvasExtensionStateResponse' },
    },
    errors: { 404: 'No canvas extension with this name is installed.' },
  })
  async update(
    @Param(NAME, name) extension: string,
    @Body() { enabled }: UpdateCanvasExtensionStateRequestDto,
  ): Promise<{ name: string; enabled: boolean }> {
    const change = () => this.installations.canvas.setEnabled(extension, enabled);
    await withPrefixes(enabled ? change() : this.backends.afterStop(extension, change));
    return { name: extension, enabled };
  }

  @Delete('installed/:extension_name')
  @Scope('admin')
  @Operation({
    tag,
    summary: 'Remove an installed canvas extension',
    description: 'Its back end is stopped; the data of the back end is kept.',
    path,
    answers: {
      200: { description: 'The extension was removed.', schema: 'UninstallCanvasExtensionResponse' },
    },
    errors: { 404: 'No canvas extension with this name is installed.' },
  })
  async remove(@Param(NAME, name) extension: string): Promise<{ message: string }> {
    await withPrefixes(this.backends.afterStop(extension, () => this.installations.canvas.remove(extension)));
    return { message: `Canvas extension '${extension}' uninstalled` };
  }
}

function withPrefixes<T>(work: Promise<T>): Promise<T> {
  return withErrorPrefixes(ERROR_PREFIXES, work);
}

async function info(extension: InstalledExtension): Promise<InstalledCanvasExtension> {
  const read = await readCanvasManifest(extension.install_path).catch(() => undefined);
  const source = maskRemote(extension.source);
  return { ...extension, source, manifest: read?.plain ?? null };
}
