import type { Problem } from '../../http/index.js';

/** A frame that is refused, as the client is told. */
export interface InvalidFrame {
  type: 'invalid';
  code: string;
  detail: string;
}

/** Further problems are counted, not listed. */
const MAX_LISTED = 10;

/** A frame with invalid fields, in the words of pydantic. The input is not repeated. */
export function invalidFrame(className: string, problems: readonly Problem[]): InvalidFrame {
  const count = `${problems.length} validation error${problems.length === 1 ? '' : 's'} for ${className}`;
  const listed = problems.slice(0, MAX_LISTED).map(({ path = [], msg, type }) => {
    const location = path.length === 0 ? '' : `${path.join('.')}\n`;
    return `${location}  ${msg} [type=${type}]`;
  });
  return { type: 'invalid', code: 'ValidationError', detail: [count, ...listed].join('\n') };
}
