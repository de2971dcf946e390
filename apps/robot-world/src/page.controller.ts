import {
  BadGatewayException,
  Body,
  Controller,
  Get,
  HttpCode,
  NotFoundException,
  Post,
} from '@nestjs/common';
import type { PageOptions } from './common/page.options.js';
import { collectorUrl } from './common/trace/collector.url.js';
import { Spans } from './common/trace/spans.js';

/** Gives the page the addresses and options that depend on the deployment, and passes its spans on. */
@Controller()
export class PageController {
  constructor(private readonly spans: Spans) {}

  /** The page works without the second backend as well. */
  @Get('backends.json')
  backends(): PageOptions {
    const fleetPlanner = process.env['FLEET_PLANNER_URL'] ?? 'http://127.0.0.1:3002';
    const kept = collectorUrl() ? 'sent' : 'kept';
    return { fleetPlanner, tracing: this.spans.exist ? kept : 'off' };
  }

  /** Passes spans of the page (OTLP as JSON) to the collector, which a page cannot reach itself. */
  @Post('trace/v1/traces')
  @HttpCode(200)
  async send(@Body() body: unknown): Promise<object> {
    const url = collectorUrl();
    if (!this.spans.exist || !url) throw new NotFoundException();
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) }).catch(
      () => undefined,
    );
    if (!answer?.ok) throw new BadGatewayException('The collector does not take the spans.');
    return {};
  }
}
