import { Body, Controller, Delete, Get, HttpCode, Param, Post, UseInterceptors } from '@nestjs/common';
import { CurrentPrincipal, type Principal, Scope } from '../../auth/index.js';
import { Operation, RuntimeConversationIdPipe, UNKNOWN_CONVERSATION } from '../../http/index.js';
import { CountsAsActivity } from '../../server/index.js';
import type { TerminalInfo } from '../streams/terminal-notice.js';
import { TerminalsService } from '../terminals.service.js';
import { OpenTerminalDto, ResizeTerminalDto } from './terminals.dto.js';

const tag = 'Terminals';
const SCOPE = 'runtime_conversation_id';
const UNKNOWN = 'This server has no such terminal, or no such conversation.';
const PATH = {
  terminal_id: {
    type: 'string',
    format: 'uuid',
    description: 'Id of the terminal, as the answer that has opened it and the list have it.',
  },
} as const;

/** Terminals, as the API lists them. */
interface TerminalList {
  items: TerminalInfo[];
  /** Servers that did not answer. */
  missing_servers: number;
}

/** Terminals on the server or in the sandbox of a conversation. Their bytes are on a WebSocket. */
@Controller(['api/terminals', `api/conversations/:${SCOPE}/terminals`])
@UseInterceptors(CountsAsActivity)
export class TerminalsController {
  constructor(private readonly terminals: TerminalsService) {}

  @Post()
  @Scope('write', { machine: 'admin', own: true })
  @Operation({
    tag,
    summary: 'Open a terminal',
    description:
      'Starts a shell on a pseudo-terminal: below a conversation in its folder and its sandbox, else in the ' +
      'folder and the sandbox of the server. Its bytes are at the WebSocket that the answer names (`socket`); ' +
      'the guide to terminals describes the frames. It ends with its shell, when it is closed, when nobody has ' +
      'used it for `terminals.idle_seconds`, and with the server, its conversation and the key that opened it.',
    body: {
      schema: OpenTerminalDto,
      example: { rows: 30, cols: 120, title: 'build' },
      otherExamples: { shell: { summary: 'Another shell', value: { shell: 'sh' } } },
    },
    answers: { 201: { description: 'The terminal.', schema: 'Terminal' } },
    errors: {
      400: 'The shell or its folder does not exist, or the sandbox does not work.',
      404: UNKNOWN_CONVERSATION,
      429: 'The server or the key has as many terminals as it may have.',
    },
  })
  async open(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Body() body: OpenTerminalDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<TerminalInfo> {
    return (await this.terminals.open(body, scope, principal)).info();
  }

  @Get()
  @Scope('read', { machine: 'admin', own: true })
  @Operation({
    tag,
    summary: 'List terminals',
    description:
      'Those of the conversation, with that of its agent once the agent has used it; without a conversation ' +
      'all terminals, in a cluster those of all servers. Ended terminals are listed for some minutes.',
    answers: {
      200: { description: 'The terminals, oldest first.', schema: 'TerminalList' },
    },
    errors: { 404: UNKNOWN_CONVERSATION },
  })
  list(@Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined): TerminalList {
    return { items: this.terminals.list(scope).map((terminal) => terminal.info()), missing_servers: 0 };
  }

  @Get(':terminal_id')
  @Scope('read', { machine: 'admin', own: true })
  @Operation({
    tag,
    summary: 'Get a terminal',
    description: 'Its size, its viewers, which part of its output is kept, and how it has ended.',
    path: PATH,
    answers: { 200: { description: 'The terminal.', schema: 'Terminal' } },
    errors: { 404: UNKNOWN },
  })
  get(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Param('terminal_id') id: string,
  ): TerminalInfo {
    return this.terminals.get(id, scope).info();
  }

  @Post(':terminal_id/resize')
  @Scope('write', { machine: 'admin', own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Resize a terminal',
    description: 'All viewers are told. The last size counts, whoever has set it.',
    path: PATH,
    body: {
      schema: ResizeTerminalDto,
      example: { rows: 40, cols: 132 },
      needs: 'An open terminal, whose id is in the path.',
    },
    answers: { 200: { description: 'The terminal.', schema: 'Terminal' } },
    errors: { 404: UNKNOWN, 409: 'It is the terminal of an agent, and nobody has taken it over.' },
  })
  resize(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Param('terminal_id') id: string,
    @Body() { rows, cols }: ResizeTerminalDto,
  ): TerminalInfo {
    const terminal = this.terminals.get(id, scope);
    terminal.assertTypable();
    terminal.resize({ rows, cols });
    return terminal.info();
  }

  @Post(':terminal_id/take_over')
  @Scope('write', { machine: 'admin', own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Take over the terminal of an agent',
    description:
      'Gives the terminal to people while the agent is paused: they may type until it is given back, or the ' +
      'agent goes on. It has a prompt and line editing then; a command of the agent that still runs goes on, ' +
      'and takes the input. The agent reads with its next command what was shown meanwhile.',
    path: PATH,
    answers: { 200: { description: 'The terminal.', schema: 'Terminal' } },
    errors: {
      404: UNKNOWN,
      409: 'The agent is at work, somebody else has the terminal, or it is not the terminal of an agent.',
    },
  })
  async takeOver(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Param('terminal_id') id: string,
    @CurrentPrincipal() principal: Principal,
  ): Promise<TerminalInfo> {
    const terminal = this.terminals.get(id, scope);
    await this.terminals.takeOver(terminal, principal);
    return terminal.info();
  }

  @Post(':terminal_id/give_back')
  @Scope('write', { machine: 'admin', own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Give the terminal of an agent back',
    description:
      'Ends a program that was left running, and what was typed and not entered. The shell keeps its folder ' +
      'and variables. Does nothing if nobody has taken the terminal over.',
    path: PATH,
    answers: { 200: { description: 'The terminal.', schema: 'Terminal' } },
    errors: { 404: UNKNOWN, 409: 'It is not the terminal of an agent.' },
  })
  async giveBack(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Param('terminal_id') id: string,
  ): Promise<TerminalInfo> {
    const terminal = this.terminals.get(id, scope);
    await this.terminals.giveBack(terminal);
    return terminal.info();
  }

  @Delete(':terminal_id')
  @Scope('write', { machine: 'admin', own: true })
  @Operation({
    tag,
    summary: 'Close a terminal',
    description: 'Ends its shell and everything that runs in it, and forgets its output.',
    path: PATH,
    answers: { 200: { description: 'It has ended.', schema: 'Success' } },
    errors: { 404: UNKNOWN, 409: 'It is the terminal of an agent, which ends with its conversation.' },
  })
  async close(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Param('terminal_id') id: string,
  ): Promise<{ success: true }> {
    const terminal = this.terminals.get(id, scope);
    terminal.assertClosable();
    await this.terminals.close(terminal, 'closed');
    return { success: true };
  }
}
