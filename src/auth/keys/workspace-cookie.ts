import { Reflector } from '@nestjs/core';
import type { Request } from 'express';

/** Marks a route that also takes the session key from the workspace cookie: `@AcceptsWorkspaceCookie()`. */
export const AcceptsWorkspaceCookie = Reflector.createDecorator<true | undefined>();

const NAME = 'oh_workspace_session_key';
/** Ten years: it is as good as the key, and the key has no end. */
const MAX_AGE_SECONDS = 315_360_000;

/**
 * The cookie by which frames, images and links of a page get at the files of a workspace, where no header can
 * be set.
 * @param key undefined gives an empty cookie
 */
export function workspaceCookie(key: string | undefined, secure: boolean): string {
  return format(encodeURIComponent(key ?? ''), MAX_AGE_SECONDS, secure);
}

/** Takes the cookie away again. */
export function expiredWorkspaceCookie(secure: boolean): string {
  return format('', 0, secure);
}

/** The key in the cookie of a request. */
export function keyInCookie(request: Request): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [name, ...value] = pair.split('=');
    if (name?.trim() !== NAME) continue;
    return decoded(
      value
        .join('=')
        .trim()
        .replace(/^"(.*)"$/, '$1'),
    );
  }
  return undefined;
}

/**
 * Other sites may show the files, so the cookie goes with their requests; browsers want it to be `Secure` for
 * that.
 */
function format(value: string, maxAge: number, secure: boolean): string {
  const attributes = `HttpOnly; Max-Age=${maxAge}; Path=/api/conversations; SameSite=none`;
  return `${NAME}=${value === '' ? '""' : value}; ${attributes}${secure ? '; Secure; Partitioned' : ''}`;
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
