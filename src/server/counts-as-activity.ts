import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { Activity } from './activity.js';

/** Requests of these routes are activity: `idle_time` starts again. */
@Injectable()
export class CountsAsActivity implements NestInterceptor {
  constructor(private readonly activity: Activity) {}

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    this.activity.touch();
    return next.handle();
  }
}
