import { Controller, Delete, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { acceptedKeyOf, expiredWorkspaceCookie, Scope, workspaceCookie } from '../../auth/index.js';
import { parseHost } from '../../text/index.js';
import { Operation } from '../../http/index.js';

const tag = 'Workspace';

/** Sets and clears the cookie for workspace files. */
@Controller('api/auth/workspace-session')
export class WorkspaceSessionController {
  @Post()
  @Scope('read', { own: true })
  @HttpCode(204)
  @Operation({
    tag,
    summary: 'Set the cookie for workspace files',
    description: 'The cookie contains the key of this request. It is accepted for workspace files only.',
    answers: { 204: { description: 'The cookie was set.' } },
  })
  start(@Req() request: HttpRequest, @Res({ passthrough: true }) response: HttpResponse): void {
    response.setHeader('Set-Cookie', workspaceCookie(acceptedKeyOf(request), isSecure(request)));
  }

  @Delete()
  @Scope('read', { own: true })
  @HttpCode(204)
  @Operation({
    tag,
    summary: 'Clear the cookie for workspace files',
    description: 'Tells the browser to forget the cookie. The session key stays valid.',
    answers: { 204: { description: 'The cookie was cleared.' } },
  })
  end(@Req() request: HttpRequest, @Res({ passthrough: true }) response: HttpResponse): void {
    response.setHeader('Set-Cookie', expiredWorkspaceCookie(isSecure(request)));
  }
}

/** Whether the request uses https, also through a proxy, or localhost, which browsers treat as secure. */
function isSecure({ headers }: HttpRequest): boolean {
  if (String(headers['x-forwarded-proto']).split(',')[0]?.trim() === 'https') return true;
  const host = parseHost(headers.host ?? '');
  return host !== undefined && ['localhost', '127.0.0.1', '[::1]'].includes(host.hostname);
}
