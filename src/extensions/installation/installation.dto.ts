import { Field } from '../../http/validation/field.js';
import { flag, nullable, text, type FieldType } from '../../http/validation/field-type.js';
import { maskRemote } from '../../text/index.js';
import { EXTENSION_NAME, MAX_NAME } from './extension-kind.js';
import type { InstalledExtension } from './installed-file.js';

/** What to install. */
export class InstallRequestDto {
  @Field(
    text({ min: 1, max: 4096 }),
    'A folder of this machine, `github:owner/repository`, or an address that git can fetch from (`file://` too).',
  )
  source!: string;

  @Field(nullable(text({ max: 255 })), 'Branch, tag or commit.')
  ref: string | null = null;

  @Field(nullable(text({ max: 4096 })), 'A folder inside.')
  repo_path: string | null = null;

  @Field(flag(), 'Replace what is installed under that name.')
  force: boolean = false;
}

/** What to install. */
export class InstallSkillRequestDto extends InstallRequestDto {}

/** What to install. */
export class InstallPluginRequestDto extends InstallRequestDto {}

/** What to install. */
export class InstallCanvasExtensionRequestDto extends InstallRequestDto {}

/** Whether it is in use. */
export class UpdateSkillStateRequestDto {
  @Field(flag())
  enabled!: boolean;
}

/** Whether it is in use. */
export class UpdatePluginStateRequestDto {
  @Field(flag())
  enabled!: boolean;
}

/** Whether it is in use. */
export class UpdateCanvasExtensionStateRequestDto {
  @Field(flag())
  enabled!: boolean;
}

/** An installed extension as answers have it: without the ref that was asked for. */
export type InstalledInfo = Omit<InstalledExtension, 'requested_ref'>;

/** What answers say of an installed extension; passwords in addresses stay where they are. */
export function installedInfo({ requested_ref: _, ...extension }: InstalledExtension): InstalledInfo {
  return { ...extension, source: maskRemote(extension.source) };
}

/** Names in paths, as the wire writes their patterns. Both mean the same. */
export const SKILL_NAME = EXTENSION_NAME;
export const OTHER_NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** A name in a path. */
export const nameField = (pattern: RegExp): FieldType => text({ min: 1, max: MAX_NAME, pattern });
