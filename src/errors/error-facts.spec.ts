import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { errorCode, errorMessage, errorName, errorStack } from './index.js';

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('what was thrown', () => {
  it('may be an error of the system', () => {
    const error = thrownBy(() => readFileSync('/nowhere/at/all'));
    expect(errorCode(error)).toBe('ENOENT');
    expect(errorMessage(error)).toMatch(/^ENOENT: no such file/);
  });

  it('may be an error of another realm', () => {
    const error: unknown = runInNewContext('new RangeError("too far")');
    expect(error).not.toBeInstanceOf(Error);
    expect(errorName(error)).toBe('RangeError');
    expect(errorMessage(error)).toBe('too far');
    expect(errorStack(error)).toMatch(/^RangeError: too far\n +at /);
    expect(errorCode(error)).toBeUndefined();
  });

  it.each([
    ['text', 'text'],
    [undefined, 'undefined'],
    [null, 'null'],
    [{ code: 5 }, '[object Object]'],
  ])('may be anything: %p', (thrown, text) => {
    expect(errorCode(thrown)).toBeUndefined();
    expect(errorName(thrown)).toBe('Error');
    expect(errorMessage(thrown)).toBe(text);
    expect(errorStack(thrown)).toBe(text);
  });
});
