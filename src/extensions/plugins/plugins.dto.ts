import { Field } from '../../http/validation/field.js';
import { anyObject, flag, integer, nullable, recordOf, text } from '../../http/validation/field-type.js';
import type { JsonObject } from '../../json/index.js';

/** Which plugins to look for. */
export class PluginsRequestDto {
  @Field(flag(), 'Those that the person keeps for all projects, and installed ones that are switched on.')
  load_user: boolean = true;

  @Field(flag(), 'Those of `project_dir`.')
  load_project: boolean = true;

  @Field(nullable(text()))
  project_dir: string | null = null;
}

/** A plugin to look at without installing it. */
export class FetchPluginRequestDto {
  @Field(
    text({ min: 1, max: 4096 }),
    'A folder of this machine, `github:owner/repository`, or an address that git can fetch from.',
  )
  source!: string;

  @Field(nullable(text({ max: 255 })), 'Branch, tag or commit.')
  ref: string | null = null;

  @Field(nullable(text({ max: 4096 })), 'A folder inside.')
  repo_path: string | null = null;

  @Field(recordOf(anyObject()), 'Accepted and not used.')
  secrets: Record<string, JsonObject> = {};

  @Field(integer({ ge: 1, le: 600 }), 'Seconds.')
  timeout = 60;
}
