import { Body, Controller, Delete, Get, HttpCode, Post, Query } from '@nestjs/common';
import {
  model,
  refTo,
  type DtoClass,
  Field,
  listOf,
  nullable,
  text,
  documentSchemas,
  Operation,
} from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';
import { type StoredWorkspaces, Workspaces } from './workspaces.js';

const folderPath = text({ min: 1, max: 4096 });
const label = text({ min: 1, max: 256 });

/** A workspace folder. */
class WorkspaceItemDto {
  @Field(folderPath)
  id!: string;

  @Field(label)
  name!: string;

  @Field(folderPath, 'Not checked for existence.')
  path!: string;

  @Field(nullable(text({ max: 4096 })), 'The folder that contains it.')
  parentPath: string | null = null;

  @Field(nullable(text({ max: 4096 })), 'Alias of `parentPath`.', { optional: true })
  parent_path?: string | null;
}

/** A folder that contains workspaces. */
class WorkspaceParentItemDto {
  @Field(folderPath)
  id!: string;

  @Field(label)
  name!: string;

  @Field(folderPath)
  path!: string;
}

/** Workspaces to add. */
class AddWorkspacesRequestDto {
  @Field(listOf(model(WorkspaceItemDto)))
  workspaces!: WorkspaceItemDto[];
}

/** Parents to add. */
class AddWorkspaceParentsRequestDto {
  @Field(listOf(model(WorkspaceParentItemDto)))
  parents!: WorkspaceParentItemDto[];
}

/** The path of the entry. */
class WorkspacePathQueryDto {
  @Field(text())
  path!: string;
}

const tag = 'Settings';
const all = { 200: { description: 'All workspaces and parent folders.', schema: 'WorkspacesListResponse' } };
const removed = { 200: { description: 'Removed.', schema: 'DeleteResponse' } };
const DELETED = { deleted: true } as const;

/** The workspace folders that a user has selected. */
@Controller('api/workspaces')
export class WorkspacesController {
  constructor(private readonly workspaces: Workspaces) {}

  @Get()
  @Operation({ tag, summary: 'List workspaces', answers: all, errors: [409] })
  list(): Promise<StoredWorkspaces> {
    return this.workspaces.all();
  }

  @Post()
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Add workspaces',
    description: 'Workspaces with a known path are ignored.',
    body: {
      schema: AddWorkspacesRequestDto,
      example: { workspaces: [{ id: '/workspace/project', name: 'project', path: '/workspace/project' }] },
    },
    answers: all,
    errors: [409],
  })
  add(@Body() { workspaces }: AddWorkspacesRequestDto): Promise<StoredWorkspaces> {
    return this.workspaces.add('workspaces', workspaces.map(toEntry));
  }

  @Delete()
  @Operation({
    tag,
    summary: 'Remove a workspace',
    query: WorkspacePathQueryDto,
    answers: removed,
    errors: [404, 409],
  })
  async remove(@Query() { path }: WorkspacePathQueryDto): Promise<typeof DELETED> {
    await this.workspaces.remove('workspaces', path);
    return DELETED;
  }

  @Post('parents')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Add parent folders of workspaces',
    body: {
      schema: AddWorkspaceParentsRequestDto,
      example: { parents: [{ id: '/workspace', name: 'workspace', path: '/workspace' }] },
    },
    answers: all,
    errors: [409],
  })
  addParents(@Body() { parents }: AddWorkspaceParentsRequestDto): Promise<StoredWorkspaces> {
    const entries = parents.map(({ id, name, path }) => ({ id, name, path }));
    return this.workspaces.add('workspaceParents', entries);
  }

  @Delete('parents')
  @Operation({
    tag,
    summary: 'Remove a parent folder of workspaces',
    query: WorkspacePathQueryDto,
    answers: removed,
    errors: [404, 409],
  })
  async removeParent(@Query() { path }: WorkspacePathQueryDto): Promise<typeof DELETED> {
    await this.workspaces.remove('workspaceParents', path);
    return DELETED;
  }
}

function toEntry({ id, name, path, parentPath, parent_path }: WorkspaceItemDto): JsonObject {
  const parent = parentPath ?? parent_path ?? null;
  return { id, name, path, ...(parent !== null && { parentPath: parent }) };
}

const list = (dto: DtoClass) => ({ type: 'array', items: { $ref: refTo(dto) } });
documentSchemas(() =>
  Promise.resolve({
    WorkspacesListResponse: {
      type: 'object',
      properties: { workspaces: list(WorkspaceItemDto), workspaceParents: list(WorkspaceParentItemDto) },
    },
    DeleteResponse: {
      type: 'object',
      properties: { deleted: { type: 'boolean' } },
      required: ['deleted'],
    },
  }),
);
