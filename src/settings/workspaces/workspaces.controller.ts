import { Body, Controller, Delete, Get, HttpCode, Post, Query } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import {
  model,
  refTo,
  type DtoClass,
  Field,
  listOf,
  nullable,
  text,
  describedFields,
  documentSchemas,
  objectSchema,
  Operation,
} from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';
import { type StoredWorkspaces, Workspaces } from './workspaces.js';

const folderPath = text({ min: 1, max: 4096 });
const label = text({ min: 1, max: 256 });

/** A workspace folder. */
class WorkspaceItemDto {
  @Field(folderPath, 'Id that the client gives the workspace, usually its path.')
  id!: string;

  @Field(label, 'Name of the workspace for people.')
  name!: string;

  @Field(folderPath, 'Path of the folder on the machine of the server. Not checked for existence.')
  path!: string;

  @Field(
    nullable(text({ max: 4096 })),
    'Path of the folder that contains it, if it was found there; null: none.',
  )
  parentPath: string | null = null;

  @Field(nullable(text({ max: 4096 })), 'Another name of `parentPath`, for requests only.', {
    optional: true,
  })
  parent_path?: string | null;
}

/** A folder that contains workspaces. */
class WorkspaceParentItemDto {
  @Field(folderPath, 'Id that the client gives the folder, usually its path.')
  id!: string;

  @Field(label, 'Name of the folder for people.')
  name!: string;

  @Field(folderPath, 'Path of the folder on the machine of the server.')
  path!: string;
}

/** Workspaces to add. */
class AddWorkspacesRequestDto {
  @Field(listOf(model(WorkspaceItemDto)), 'Workspaces to add. Those with a known path are ignored.')
  workspaces!: WorkspaceItemDto[];
}

/** Parents to add. */
class AddWorkspaceParentsRequestDto {
  @Field(listOf(model(WorkspaceParentItemDto)), 'Folders to add. Those with a known path are ignored.')
  parents!: WorkspaceParentItemDto[];
}

/** The path of the entry. */
class WorkspacePathQueryDto {
  @Field(text(), 'Path of the entry to remove, as it was added.')
  path!: string;
}

const tag = 'Settings';
const all = { 200: { description: 'All workspaces and parent folders.', schema: 'WorkspacesListResponse' } };
const removed = { 200: { description: 'The entry was removed.', schema: 'DeleteResponse' } };
const DELETED = { deleted: true } as const;

/** The workspace folders that a user has selected. */
@Controller('api/workspaces')
export class WorkspacesController {
  constructor(private readonly workspaces: Workspaces) {}

  @Get()
  @Scope('read')
  @Operation({
    tag,
    summary: 'List workspaces',
    description:
      'The folders that a user has selected for conversations, and the folders that contain such ones.',
    answers: all,
    errors: { 409: 'The stored file is damaged.' },
  })
  list(): Promise<StoredWorkspaces> {
    return this.workspaces.all();
  }

  @Post()
  @Scope('write')
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
    errors: { 409: 'The maximum number of workspaces is reached, or the stored file is damaged.' },
  })
  add(@Body() { workspaces }: AddWorkspacesRequestDto): Promise<StoredWorkspaces> {
    return this.workspaces.add('workspaces', workspaces.map(toEntry));
  }

  @Delete()
  @Scope('write')
  @Operation({
    tag,
    summary: 'Remove a workspace',
    description: 'Only removes the entry; the folder is kept.',
    query: WorkspacePathQueryDto,
    answers: removed,
    errors: { 404: 'There is no workspace with this path.', 409: 'The stored file is damaged.' },
  })
  async remove(@Query() { path }: WorkspacePathQueryDto): Promise<typeof DELETED> {
    await this.workspaces.remove('workspaces', path);
    return DELETED;
  }

  @Post('parents')
  @Scope('write')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Add parent folders of workspaces',
    description: 'Folders with a known path are ignored.',
    body: {
      schema: AddWorkspaceParentsRequestDto,
      example: { parents: [{ id: '/workspace', name: 'workspace', path: '/workspace' }] },
    },
    answers: all,
    errors: { 409: 'The maximum number of folders is reached, or the stored file is damaged.' },
  })
  addParents(@Body() { parents }: AddWorkspaceParentsRequestDto): Promise<StoredWorkspaces> {
    const entries = parents.map(({ id, name, path }) => ({ id, name, path }));
    return this.workspaces.add('workspaceParents', entries);
  }

  @Delete('parents')
  @Scope('write')
  @Operation({
    tag,
    summary: 'Remove a parent folder of workspaces',
    description: 'Only removes the entry; the folder is kept.',
    query: WorkspacePathQueryDto,
    answers: removed,
    errors: { 404: 'There is no such folder with this path.', 409: 'The stored file is damaged.' },
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
      properties: describedFields({
        workspaces: [
          list(WorkspaceItemDto),
          'Folders that the user has selected, in the order in which they were added.',
        ],
        workspaceParents: [
          list(WorkspaceParentItemDto),
          'Folders whose subfolders are offered as workspaces.',
        ],
      }),
    },
    DeleteResponse: objectSchema({
      deleted: [{ type: 'boolean' }, 'Always true: an unknown entry is answered with 404.'],
    }),
  }),
);
