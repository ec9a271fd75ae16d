import { Body, Controller, Delete, Get, Param, Post } from '@nestjs/common';
import { CurrentPrincipal, type Principal, Scope } from '../auth/index.js';
import { ConversationIdPipe, Field, integer, Operation } from '../http/index.js';
import { type Share, SharesService } from './shares.service.js';

const tag = 'Conversations';
const DAY = 24 * 3600;
const NEEDS = 'Needs a server with a secret key (`OH_SECRET_KEY`).';
const SHARE = {
  type: 'object',
  required: ['id', 'created_at', 'expires_at', 'created_by'],
  properties: {
    id: { type: 'string', description: 'Names the link, to revoke it.' },
    created_at: { type: 'string', format: 'date-time', description: 'When it was made.' },
    expires_at: { type: 'string', format: 'date-time', description: 'Until when it is valid.' },
    created_by: { type: 'string', description: 'Name of the key that made it.' },
  },
};
const NEW_SHARE = {
  ...SHARE,
  required: [...SHARE.required, 'token', 'path'],
  properties: {
    ...SHARE.properties,
    token: {
      type: 'string',
      description: 'Opens the conversation, in the header `X-Share-Token`. Told once.',
    },
    path: { type: 'string', description: 'The page for people, below the address of the server.' },
  },
};

/** A new share link. */
class CreateShareRequestDto {
  @Field(integer({ ge: 60, le: 90 * DAY }), 'Seconds until the link expires: a minute to 90 days.')
  expires_in = 7 * DAY;
}

/** Share links of a conversation: made, listed and revoked by people with a key. */
@Controller('api/conversations/:conversation_id/shares')
export class SharesController {
  constructor(private readonly shares: SharesService) {}

  @Post()
  @Scope('write', { own: true })
  @Operation({
    tag,
    summary: 'Share a conversation',
    description:
      'Makes a link with which everybody may read this conversation, and nothing else, until it expires or is ' +
      'revoked, or the key that made it does: its title and state, its events and new ones as they come. Secrets, paths of the server, the system ' +
      'prompt and the configuration of the agent are left out.',
    body: { schema: CreateShareRequestDto, required: false, example: { expires_in: 3600 }, needs: NEEDS },
    answers: { 201: { description: 'The new link, with its token.', schema: NEW_SHARE } },
    errors: { 409: 'The server has no secret key to sign links with, or there are too many links.' },
  })
  async create(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() { expires_in }: CreateShareRequestDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<Share & { token: string; path: string }> {
    const { share, token } = await this.shares.create(id, expires_in, principal);
    return { ...share, token, path: `/console/shared/${id}#${token}` };
  }

  @Get()
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'List share links',
    description: 'Lists the valid links of a conversation, without their tokens.',
    answers: { 200: { description: 'The links, oldest first.', schema: { type: 'array', items: SHARE } } },
  })
  list(@Param('conversation_id', ConversationIdPipe) id: string): Promise<Share[]> {
    return this.shares.list(id);
  }

  @Delete(':share_id')
  @Scope('write', { own: true })
  @Operation({
    tag,
    summary: 'Revoke a share link',
    description: 'The link is not valid any more, at any server, and its open sockets are closed.',
    path: { share_id: { type: 'string', description: 'Id of the link.' } },
    answers: { 200: { description: 'The request was carried out.', schema: 'Success' } },
    errors: { 404: 'The conversation does not exist or has no such link.' },
  })
  async revoke(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Param('share_id') shareId: string,
  ): Promise<{ success: true }> {
    await this.shares.revoke(id, shareId);
    return { success: true };
  }
}
