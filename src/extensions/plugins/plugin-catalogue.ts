import path from 'node:path';
import { Injectable } from '@nestjs/common';
import { ContextLoader } from '../../agent/index.js';
import { TextRoom } from '../../files/index.js';
import { AppConfig } from '../../config/index.js';
import { readPluginContents, type PluginContents } from './plugin-contents.js';
import type { PluginsRequestDto } from './plugins.dto.js';

/** An available plugin. */
export interface PluginInfo extends PluginContents {
  name: string;
  version: string;
  description: string;
  /** Absolute path. */
  path: string;
}

/** Lists the plugins of the user and of projects. Never fails: broken parts are skipped. */
@Injectable()
export class PluginCatalogue {
  constructor(
    private readonly context: ContextLoader,
    private readonly config: AppConfig,
  ) {}

  /** Of plugins with the same name the project's one replaces the user's. */
  async list({ load_user, load_project, project_dir }: PluginsRequestDto): Promise<PluginInfo[]> {
    const project = project_dir ? path.resolve(this.config.base_dir, project_dir) : undefined;
    const folders = [
      ...(load_user ? await this.context.userPlugins() : []),
      ...(load_project && project !== undefined ? await this.context.projectPlugins(project) : []),
    ];
    const room = new TextRoom();
    const plugins: PluginInfo[] = [];
    for (const folder of folders) plugins.push(await this.info(folder, room));
    return [...new Map(plugins.map((plugin) => [plugin.name, plugin])).values()];
  }

  private async info(folder: string, room: TextRoom): Promise<PluginInfo> {
    const { plugin, contents } = await readPluginContents(folder, this.context.warn('plugins'), room);
    const { name, version, description } = plugin;
    return { name, version, description, path: folder, ...contents };
  }
}
