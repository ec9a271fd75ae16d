import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { AcceptsWorkspaceCookie, Scope } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { errorCode } from '../../errors/index.js';
import type { FileRules } from '../../files/index.js';
import { ConversationIdPipe, Operation } from '../../http/index.js';
import { FileMissingError, PathForbiddenError, PathOutsideError } from '../paths/path-errors.js';
import { PathGuard } from '../paths/path-guard.js';
import { RuntimeScopes } from '../paths/runtime-scopes.js';
import { PathScope, type OpenedFile } from '../paths/path-scope.js';
import { sendOpened } from '../files/send-file.js';

/** Serves the working folder of a conversation as a static web site. */
@Controller('api/conversations')
export class WorkspaceFilesController {
  constructor(
    private readonly scopes: RuntimeScopes,
    private readonly config: AppConfig,
  ) {}

  @Get(':conversation_id/workspace{/*file_path}')
  @Scope('read', { own: true })
  @AcceptsWorkspaceCookie()
  @Operation({
    tag: 'Workspace',
    summary: "Get a file of a conversation's working folder",
    path: {
      file_path: {
        type: 'string',
        description:
          'Path of the file, relative to the working folder. Without one the folder itself is meant.',
      },
    },
    description:
      'A folder is answered with its `index.html`. The session key may come in the cookie of `/api/auth/workspace-session`. Supports ' +
      'ranges and conditional requests. Pages are sandboxed: their scripts do not have the origin of the server. Files that may contain git credentials are refused with 403.',
    answers: {
      200: { description: 'The content of the file.' },
      206: { description: 'The requested range of the file.' },
    },
    errors: {
      400: 'The path leads out of the working folder.',
      403: 'The file may hold git credentials, or the server may not read it.',
      404: 'There is no such file, or no `index.html` in the folder.',
    },
  })
  async file(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Req() request: HttpRequest,
    @Res() response: HttpResponse,
  ): Promise<void> {
    const { folder, rules } = await this.scopes.of(id);
    const file = await openFile(folder, pathBelowWorkspace(request), rules);
    // Browsers do not show a PDF in a sandbox, and do not run its scripts with the rights of a page.
    const isPdf = path.extname(file.path).toLowerCase() === '.pdf';
    if (!isPdf && !this.config.trust_workspace_pages)
      response.setHeader('Content-Security-Policy', pageSandbox(request));
    await sendOpened(request, response, file);
  }
}

/** Opens the file at a path, or the `index.html` of a folder. */
async function openFile(folder: string, relative: string, rules: FileRules): Promise<OpenedFile> {
  try {
    const guard = await PathGuard.of(folder);
    const scope = new PathScope({ root: guard.root, rules, outside: () => new PathOutsideError() });
    const found = await guard.find(relative);
    if (found.kind === 'file') return await scope.openFile(found.path);
    const index = await guard.find(`${relative}/index.html`.replace(/^\//, '')).catch(() => undefined);
    if (index?.kind === 'file') return await scope.openFile(index.path);
    throw new FileMissingError('No index.html in directory');
  } catch (error) {
    throw errorCode(error) === 'EACCES' ? new PathForbiddenError('File cannot be read') : error;
  }
}

/**
 * The path after `/workspace/`, decoded, so that `..%2f` equals `../`. The router has already verified the
 * encoding.
 */
function pathBelowWorkspace(request: HttpRequest): string {
  const [, encoded = ''] = /^\/api\/conversations\/[^/]+\/workspace\/?(.*)$/s.exec(request.path) ?? [];
  return decodeURIComponent(encoded);
}

const SHARED = 'allow-downloads allow-forms allow-modals allow-popups allow-popups-to-escape-sandbox';
/** Scripts run in an opaque origin. */
const ISOLATED = `sandbox allow-scripts ${SHARED}`;
/**
 * The page has the origin of the server, so that browsers send the workspace cookie for its images. Scripts
 * do not run.
 */
const STATIC = `sandbox allow-same-origin ${SHARED}`;

const FRAMES = new Set(['iframe', 'frame', 'embed', 'object']);
const SAME_SITE = new Set(['same-origin', 'same-site']);

/**
 * The `Content-Security-Policy` of a workspace file. Without it a page that an agent or a repository has
 * written would have the origin of the server: its scripts could call the API and read what the web UI stores
 * in the browser.
 *
 * In frames of the web UI pages run without scripts; elsewhere they are isolated. Requests without
 * `Sec-Fetch-*` headers, which browsers omit over plain HTTP to other machines, get the isolated page.
 */
function pageSandbox({ headers }: IncomingMessage): string {
  const { 'sec-fetch-dest': destination = '', 'sec-fetch-site': site = '' } = headers;
  return FRAMES.has(destination) && SAME_SITE.has(site) ? STATIC : ISOLATED;
}
