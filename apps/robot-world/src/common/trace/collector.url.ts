/** The address of a collector of traces (OTLP over HTTP), if the environment names one. */
export function collectorUrl(): string | undefined {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = process.env;
  return endpoint && `${endpoint.replace(/\/+$/, '')}/v1/traces`;
}
