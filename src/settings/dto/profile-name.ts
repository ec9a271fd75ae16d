import { Injectable, type PipeTransform } from '@nestjs/common';
import { readChecked, type FieldType, text } from '../../http/index.js';

/** Names of profiles of all kinds. They are also safe as file names. */
export const PROFILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** A profile name in a request. */
export const profileName: FieldType = text({ min: 1, max: 64, pattern: PROFILE_NAME });

/** Validates the profile name in a path. */
@Injectable()
export class ProfileNamePipe implements PipeTransform<string, string> {
  transform(value: string): string {
    return String(readChecked(profileName, value, ['path', 'name']));
  }
}

/** The path parameter for the API document. */
export const NAME_IN_PATH = {
  name: {
    ...profileName.schema(),
    description: 'Name of the profile: letters, digits, `.`, `_` and `-`; the first is a letter or a digit.',
  },
};

/** Clients may append the extension of the file to a profile name. */
export function withoutExtension(name: string): string {
  return name.replace(/\.json$/, '');
}
