import { Injectable, type PipeTransform } from '@nestjs/common';
import { readChecked } from '../../http/validation/dto.js';
import { type FieldType, text } from '../../http/validation/field-type.js';

/** What a profile of any kind may be called; also safe as the name of a file. */
export const PROFILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The name of a profile in a request. */
export const profileName: FieldType = text({ min: 1, max: 64, pattern: PROFILE_NAME });

/** The name in a path. */
@Injectable()
export class ProfileNamePipe implements PipeTransform<string, string> {
  transform(value: string): string {
    return String(readChecked(profileName, value, ['path', 'name']));
  }
}

/** For the API document: what a path has to look like. */
export const NAME_IN_PATH = { name: profileName.schema() };

/** The file of a profile: an ending that was sent along is passed over. */
export function withoutEnding(name: string): string {
  return name.replace(/\.json$/, '');
}
