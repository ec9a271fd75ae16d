import { Controller, Get, Query } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { Operation } from '../../http/index.js';
import { HomeQueryDto, SubdirectoriesQueryDto } from './files.dto.js';
import { FilesService } from './files.service.js';
import type { HomeView, SubfolderPage } from './listing.js';

const tag = 'Files';

/** Lets clients browse for a working folder. */
@Controller('api/file')
export class FileDiscoveryController {
  constructor(private readonly files: FilesService) {}

  @Get('home')
  @Scope('admin')
  @Operation({
    tag,
    summary: 'List the home folder',
    description:
      'Lists the folders in the home folder of the user that runs the server, for people who choose a working ' +
      'folder.',
    query: HomeQueryDto,
    answers: { 200: { description: 'The home folder and places to start from.', schema: 'HomeResponse' } },
  })
  home(@Query() query: HomeQueryDto): Promise<HomeView> {
    return this.files.home(query.include_hidden);
  }

  @Get('search_subdirs')
  @Scope('admin')
  @Operation({
    tag,
    summary: 'List the folders in a folder',
    description: 'For people who choose a working folder. Sorted by name, without links.',
    query: SubdirectoriesQueryDto,
    answers: { 200: { description: 'A page of folders.', schema: 'SubdirectoryPage' } },
    errors: {
      400: 'The path is not absolute or not a folder.',
      403: 'The server may not read the folder.',
      404: 'The folder does not exist.',
    },
  })
  subdirectories(@Query() query: SubdirectoriesQueryDto): Promise<SubfolderPage> {
    const { path, include_hidden, limit, page_id } = query;
    return this.files.subfolders(path, { hidden: include_hidden, limit, pageId: page_id ?? undefined });
  }
}
