import { Reflector } from '@nestjs/core';
import { decodeUrlPart } from '../../text/index.js';
import type { Request } from 'express';

/** Marks a route that also accepts the session key in the workspace cookie: `@AcceptsWorkspaceCookie()`. */
export const AcceptsWorkspaceCookie = Reflector.createDecorator<true | undefined>();

const NAME = 'oh_workspace_session_key';
/** Ten years: the cookie is equivalent to the key, which does not expire. */
const MAX_AGE_SECONDS = 315_360_000;

/**
 * The cookie that authenticates frames, images and links to workspace files, which cannot send headers.
 * @param key undefined for an empty cookie
 */
export function workspaceCookie(key: string | undefined, secure: boolean): string {
  return format(encodeURIComponent(key ?? ''), MAX_AGE_SECONDS, secure);
}

/** A cookie that deletes the workspace cookie. */
export function expiredWorkspaceCookie(secure: boolean): string {
  return format('', 0, secure);
}

/** The key in the workspace cookie of a request. */
export function keyInCookie(request: Request): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [name, ...value] = pair.split('=');
    if (name?.trim() !== NAME) continue;
    return decodeUrlPart(
      value
        .join('=')
        .trim()
        .replace(/^"(.*)"$/, '$1'),
    );
  }
  return undefined;
}

/**
 * Pages of other sites may embed the files, which needs `SameSite=none`; browsers require `Secure` with it.
 */
function format(value: string, maxAge: number, secure: boolean): string {
  const attributes = `HttpOnly; Max-Age=${maxAge}; Path=/api/conversations; SameSite=none`;
  return `${NAME}=${value === '' ? '""' : value}; ${attributes}${secure ? '; Secure; Partitioned' : ''}`;
}
