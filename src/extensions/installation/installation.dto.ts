import { Field, flag, nullable, text, type FieldType } from '../../http/index.js';
import { maskRemote } from '../../text/index.js';
import { EXTENSION_NAME, MAX_NAME } from './extension-kind.js';
import type { InstalledExtension } from './installed-file.js';

/** A request to install an extension. */
class InstallRequestDto {
  @Field(
    text({ min: 1, max: 4096 }),
    'A local folder, `github:owner/repository`, or a URL for git (including `file://`).',
  )
  source!: string;

  @Field(nullable(text({ max: 255 })), 'Branch, tag or commit of a repository; null: its default branch.')
  ref: string | null = null;

  @Field(nullable(text({ max: 4096 })), 'Folder of the extension inside the source; null: the source itself.')
  repo_path: string | null = null;

  @Field(flag(), 'Replace an installed extension with the same name; false: refuse with 409.')
  force: boolean = false;
}

/** A request to install an extension. */
export class InstallSkillRequestDto extends InstallRequestDto {}

/** A request to install an extension. */
export class InstallPluginRequestDto extends InstallRequestDto {}

/** A request to install an extension. */
export class InstallCanvasExtensionRequestDto extends InstallRequestDto {}

/** A request to enable or disable an extension. */
export class UpdateSkillStateRequestDto {
  @Field(flag(), 'Whether new conversations get the skill.')
  enabled!: boolean;
}

/** A request to enable or disable an extension. */
export class UpdatePluginStateRequestDto {
  @Field(flag(), 'Whether new conversations get the plugin.')
  enabled!: boolean;
}

/** A request to enable or disable an extension. */
export class UpdateCanvasExtensionStateRequestDto {
  @Field(flag(), 'Whether the web UI loads the extension.')
  enabled!: boolean;
}

/** An installed extension in responses: without the requested ref. */
export type InstalledInfo = Omit<InstalledExtension, 'requested_ref'>;

/** Converts an installed extension for responses, with passwords in URLs masked. */
export function installedInfo({ requested_ref: _, ...extension }: InstalledExtension): InstalledInfo {
  return { ...extension, source: maskRemote(extension.source) };
}

/** Patterns of names in paths, as the original writes them. Both are equivalent. */
export const SKILL_NAME = EXTENSION_NAME;
export const OTHER_NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** The field type of a name in a path. */
export const nameField = (pattern: RegExp): FieldType => text({ min: 1, max: MAX_NAME, pattern });
