import { Field, anyObject, flag, integer, nullable, recordOf, text } from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';

/** Selects the plugins to list. */
export class PluginsRequestDto {
  @Field(flag(), 'Include the plugins of the user and enabled installed ones.')
  load_user: boolean = true;

  @Field(flag(), 'Include the plugins of `project_dir`.')
  load_project: boolean = true;

  @Field(nullable(text()), 'Folder of the project; null: none.')
  project_dir: string | null = null;
}

/** A plugin to fetch without installing it. */
export class FetchPluginRequestDto {
  @Field(text({ min: 1, max: 4096 }), 'A local folder, `github:owner/repository`, or a URL for git.')
  source!: string;

  @Field(nullable(text({ max: 255 })), 'Branch, tag or commit of a repository; null: its default branch.')
  ref: string | null = null;

  @Field(nullable(text({ max: 4096 })), 'Folder of the plugin inside the source; null: the source itself.')
  repo_path: string | null = null;

  @Field(recordOf(anyObject()), 'Ignored: stored credentials are not used to fetch.')
  secrets: Record<string, JsonObject> = {};

  @Field(integer({ ge: 1, le: 600 }), 'Timeout in seconds.')
  timeout = 60;
}
