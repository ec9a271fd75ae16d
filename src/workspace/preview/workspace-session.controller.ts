import { Controller, Delete, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { expiredWorkspaceCookie, presentedKeys, SessionKeys, workspaceCookie } from '../../auth/index.js';
import { parseHost } from '../../text/index.js';
import { Operation } from '../../http/operation.js';

const tag = 'Workspace';

/** Gives a browser the cookie for the files of workspaces, and takes it away. */
@Controller('api/auth/workspace-session')
export class WorkspaceSessionController {
  constructor(private readonly keys: SessionKeys) {}

  @Post()
  @HttpCode(204)
  @Operation({
    tag,
    summary: 'Get the cookie for the files of workspaces',
    description: 'It holds the session key of this request, and is taken for the files of workspaces only.',
    answers: { 204: { description: 'The cookie is set.' } },
  })
  start(@Req() request: Request, @Res({ passthrough: true }) response: Response): void {
    const [key] = presentedKeys(request).filter((shown) => !this.keys.required() || this.keys.accepts(shown));
    response.setHeader('Set-Cookie', workspaceCookie(key, isSecure(request)));
  }

  @Delete()
  @HttpCode(204)
  @Operation({
    tag,
    summary: 'Drop the cookie for the files of workspaces',
    answers: { 204: { description: 'The cookie is gone.' } },
  })
  end(@Req() request: Request, @Res({ passthrough: true }) response: Response): void {
    response.setHeader('Set-Cookie', expiredWorkspaceCookie(isSecure(request)));
  }
}

/** Over https, also before a proxy, or to this machine, which browsers trust as much. */
function isSecure({ headers }: Request): boolean {
  if (String(headers['x-forwarded-proto']).split(',')[0]?.trim() === 'https') return true;
  const host = parseHost(headers.host ?? '');
  return host !== undefined && ['localhost', '127.0.0.1', '[::1]'].includes(host.hostname);
}
