import { Controller, Get, Query } from '@nestjs/common';
import { Operation } from '../../http/operation.js';
import { HomeQueryDto, SubdirectoriesQueryDto } from './files.dto.js';
import { FilesService } from './files.service.js';
import type { HomeView, SubfolderPage } from './listing.js';

const tag = 'Files';

/** Lets people look for a folder to work in. */
@Controller('api/file')
export class FileDiscoveryController {
  constructor(private readonly files: FilesService) {}

  @Get('home')
  @Operation({
    tag,
    summary: 'Get the home folder and what is in it',
    query: HomeQueryDto,
    answers: { 200: { description: 'Where to begin.', schema: 'HomeResponse' } },
  })
  home(@Query() query: HomeQueryDto): Promise<HomeView> {
    return this.files.home(query.include_hidden);
  }

  @Get('search_subdirs')
  @Operation({
    tag,
    summary: 'List the folders in a folder',
    description: 'Without links, by name.',
    query: SubdirectoriesQueryDto,
    answers: { 200: { description: 'A page.', schema: 'SubdirectoryPage' } },
    errors: [403, 404],
  })
  subdirectories(@Query() query: SubdirectoriesQueryDto): Promise<SubfolderPage> {
    const { path, include_hidden, limit, page_id } = query;
    return this.files.subfolders(path, { hidden: include_hidden, limit, pageId: page_id ?? undefined });
  }
}
