import { Controller, Delete, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { Scope } from '../../../auth/index.js';
import { Operation } from '../../../http/index.js';
import { OTHER_NAME } from '../../installation/installation.dto.js';
import { ExtensionNamePipe } from '../../installation/name.pipe.js';
import { AppBackendBridge } from './app-backend-bridge.js';
import { nameSchema } from './backend-address.js';
import { expiredSessionCookie, sessionCookie } from './bridge-sessions.js';

const tag = 'Canvas App Backends';
const path = { extension_name: { ...nameSchema, description: 'Name of the installed canvas extension.' } };
const NAME = 'extension_name';
const name = new ExtensionNamePipe(NAME, OTHER_NAME);
/** Sandbox of a frame with an extension's pages. */
const SANDBOX = 'allow-forms allow-modals allow-popups allow-same-origin allow-scripts';

/** Sessions of extension pages at their back ends. */
@Controller('app-backends/:extension_name/session')
export class AppBackendSessionsController {
  constructor(private readonly bridge: AppBackendBridge) {}

  @Post()
  @Scope('write')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Open a session at a back end',
    description:
      'The session is a cookie and lasts five minutes. Call it on `app_backend_public_url` from a page of another origin.',
    path,
    answers: {
      200: {
        description: 'The URL of the pages and the end of the session.',
        schema: 'AppBackendSessionResponse',
      },
    },
    errors: {
      403: 'The origin of the page may not call the server.',
      409: 'The page has the origin of the back ends, which must be another one.',
      421: 'The request was sent to another address than `app_backend_public_url`.',
    },
  })
  open(
    @Param(NAME, name) extension: string,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: HttpResponse,
  ): { ingress_url: string; expires_at: string; iframe_sandbox: string } {
    const { session, url } = this.bridge.open(extension, request);
    response.setHeader('Set-Cookie', sessionCookie(session));
    return { ingress_url: url, expires_at: session.expiresAt.toISOString(), iframe_sandbox: SANDBOX };
  }

  @Delete()
  @Scope('write')
  @HttpCode(204)
  @Operation({
    tag,
    summary: 'Revoke a session at a back end',
    description: 'Its WebSockets are closed.',
    path,
    answers: { 204: { description: 'The session is revoked.' } },
    errors: {
      403: 'The origin of the page may not call the server.',
      409: 'The page has the origin of the back ends, which must be another one.',
      421: 'The request was sent to another address than `app_backend_public_url`.',
    },
  })
  close(
    @Param(NAME, name) extension: string,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: HttpResponse,
  ): void {
    this.bridge.close(extension, request);
    response.setHeader('Set-Cookie', expiredSessionCookie(extension));
  }
}
