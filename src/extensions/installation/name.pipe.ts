import type { PipeTransform } from '@nestjs/common';
import { prefixPath, RequestValidationError } from '../../http/validation/problem.js';
import type { FieldType } from '../../http/validation/field-type.js';
import { nameField } from './installation.dto.js';

/**
 * Checks the name of an extension in a path: `@Param('skill_name', new ExtensionNamePipe('skill_name',
 * SKILL_NAME))`.
 */
export class ExtensionNamePipe implements PipeTransform<string, string> {
  private readonly field: FieldType;

  /** @param pattern how the wire writes the pattern of this kind of names */
  constructor(
    private readonly parameter: string,
    pattern: RegExp,
  ) {
    this.field = nameField(pattern);
  }

  transform(value: string): string {
    const problems = this.field.problems(value);
    if (problems.length === 0) return value;
    const sources = { path: { [this.parameter]: value } };
    throw new RequestValidationError(prefixPath(['path', this.parameter], problems), sources);
  }
}
