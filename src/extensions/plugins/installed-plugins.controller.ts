import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { ContextLoader, checkedPluginManifest, PluginSourceError } from '../../agent/index.js';
import { Operation } from '../../http/index.js';
import { withErrorPrefixes } from '../installation/installation-errors.js';
import {
  InstallPluginRequestDto,
  installedInfo,
  nameField,
  OTHER_NAME,
  UpdatePluginStateRequestDto,
  type InstalledInfo,
} from '../installation/installation.dto.js';
import { Installations } from '../installation/installations.js';
import type { InstalledExtension } from '../installation/installed-file.js';
import { ExtensionNamePipe } from '../installation/name.pipe.js';
import { readPluginContents, type PluginContents } from './plugin-contents.js';

const tag = 'Plugins';
const path = {
  plugin_name: { ...nameField(OTHER_NAME).schema(), description: 'Name of the installed plugin.' },
};
const NAME = 'plugin_name';
const name = new ExtensionNamePipe(NAME, OTHER_NAME);
const ERROR_PREFIXES = {
  unavailable: 'Failed to fetch plugin source. Check that the source is valid.',
  invalid: 'Invalid plugin. Ensure it has a valid kebab-case name.',
};

/** Contents are null if the manifest was damaged after the installation. */
type InstalledPlugin = InstalledInfo & (PluginContents | { skills: null; files: null });

/** Installed plugins. */
@Controller('api/plugins')
export class InstalledPluginsController {
  constructor(
    private readonly installations: Installations,
    private readonly context: ContextLoader,
  ) {}

  @Post('install')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Install a plugin',
    description:
      'The plugin is copied without links out of its source. New conversations load its skills, hooks, sub-agents and ' +
      'MCP servers: it can run programs.',
    body: {
      schema: InstallPluginRequestDto,
      example: { source: './workspace/examples/marketplace', repo_path: 'greetings' },
      after: ['Bash_execute#plugin'],
    },
    answers: { 200: { description: 'The installed plugin.', schema: 'InstalledPluginResponse' } },
    errors: {
      400: 'The source cannot be fetched.',
      409: 'A plugin with this name is installed, and `force` is not set.',
      422: 'The source is no valid plugin.',
    },
  })
  async install(@Body() request: InstallPluginRequestDto): Promise<InstalledPlugin> {
    return this.info(await withErrorPrefixes(ERROR_PREFIXES, this.installations.plugins.install(request)));
  }

  @Get('installed')
  @Scope('read')
  @Operation({
    tag,
    summary: 'List installed plugins',
    description: 'Lists them in the order of their installation, disabled ones included.',
    answers: { 200: { description: 'The installed plugins.', schema: 'InstalledPluginsListResponse' } },
  })
  async list(): Promise<{ plugins: InstalledPlugin[] }> {
    const plugins = await withErrorPrefixes(ERROR_PREFIXES, this.installations.plugins.list());
    return { plugins: await Promise.all(plugins.map((plugin) => this.info(plugin))) };
  }

  @Get('installed/:plugin_name')
  @Scope('read')
  @Operation({
    tag,
    summary: 'Get an installed plugin',
    description: 'Includes what the plugin contains, as far as it can be read.',
    path,
    answers: { 200: { description: 'The installed plugin.', schema: 'InstalledPluginResponse' } },
    errors: { 404: 'No plugin with this name is installed.' },
  })
  async get(@Param(NAME, name) plugin: string): Promise<InstalledPlugin> {
    return this.info(await withErrorPrefixes(ERROR_PREFIXES, this.installations.plugins.get(plugin)));
  }

  @Patch('installed/:plugin_name')
  @Scope('admin')
  @Operation({
    tag,
    summary: 'Enable or disable a plugin',
    description: 'Applies to new conversations.',
    path,
    body: {
      schema: UpdatePluginStateRequestDto,
      example: { enabled: false },
      after: ['Bash_execute#plugin', 'InstalledPlugins_install'],
    },
    answers: { 200: { description: 'The new state of the plugin.', schema: 'UpdatePluginStateResponse' } },
    errors: { 404: 'No plugin with this name is installed.' },
  })
  async update(
    @Param(NAME, name) plugin: string,
    @Body() { enabled }: UpdatePluginStateRequestDto,
  ): Promise<{ name: string; enabled: boolean }> {
    await withErrorPrefixes(ERROR_PREFIXES, this.installations.plugins.setEnabled(plugin, enabled));
    return { name: plugin, enabled };
  }

  @Delete('installed/:plugin_name')
  @Scope('admin')
  @Operation({
    tag,
    summary: 'Remove an installed plugin',
    description: 'Removes the installed copy; new conversations do not load it.',
    path,
    answers: { 200: { description: 'The plugin was removed.', schema: 'UninstallPluginResponse' } },
    errors: { 404: 'No plugin with this name is installed.' },
  })
  async remove(@Param(NAME, name) plugin: string): Promise<{ message: string }> {
    await withErrorPrefixes(ERROR_PREFIXES, this.installations.plugins.remove(plugin));
    return { message: `Plugin '${plugin}' uninstalled` };
  }

  @Post('installed/:plugin_name/refresh')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Update an installed plugin',
    description: 'Fetches it again from its source. On failure the installed version is kept.',
    path,
    answers: { 200: { description: 'The updated plugin.', schema: 'UpdatePluginResponse' } },
    errors: { 400: 'The source cannot be fetched any more.', 404: 'No plugin with this name is installed.' },
  })
  async refresh(@Param(NAME, name) called: string): Promise<{ message: string; plugin: InstalledPlugin }> {
    const plugin = await withErrorPrefixes(ERROR_PREFIXES, this.installations.plugins.refresh(called));
    return { message: `Plugin '${called}' updated`, plugin: await this.info(plugin) };
  }

  private async info(plugin: InstalledExtension): Promise<InstalledPlugin> {
    const warn = this.context.warn('plugins');
    try {
      await checkedPluginManifest(plugin.install_path);
    } catch (error) {
      if (!(error instanceof PluginSourceError)) throw error;
      warn(plugin.install_path, error.message);
      return { ...installedInfo(plugin), skills: null, files: null };
    }
    const { contents } = await readPluginContents(plugin.install_path, warn);
    return { ...installedInfo(plugin), ...contents };
  }
}
