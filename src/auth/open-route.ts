import { Reflector } from '@nestjs/core';

/** Marks a controller or a route that needs no session key: `@OpenRoute()`. */
export const OpenRoute = Reflector.createDecorator<true | undefined>();
