import type { PipeTransform } from '@nestjs/common';
import { prefixPath, RequestValidationError, type FieldType } from '../../http/index.js';
import { nameField } from './installation.dto.js';

/**
 * Validates the name of an extension in a path: `@Param('skill_name', new ExtensionNamePipe('skill_name',
 * SKILL_NAME))`.
 */
export class ExtensionNamePipe implements PipeTransform<string, string> {
  private readonly field: FieldType;

  /** @param pattern the original's pattern for this kind of name */
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
