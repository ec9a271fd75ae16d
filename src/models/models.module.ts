import { Module } from '@nestjs/common';
import { ModelsController } from './models.controller.js';

/** The names of models and providers over REST. */
@Module({ controllers: [ModelsController] })
export class ModelsModule {}
