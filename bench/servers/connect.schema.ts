// In the form of `protoc-gen-es`, of this file:
//
//   syntax = "proto3";
//   package bench;
//   message LargeRequest { int32 count = 1; }
//   message LargeItem { int32 n = 1; string text = 2; }
//   service StreamService { rpc Large(LargeRequest) returns (stream LargeItem); }
import type { Message } from '@bufbuild/protobuf';
import { fileDesc, messageDesc, serviceDesc } from '@bufbuild/protobuf/codegenv2';
import type { GenFile, GenMessage, GenService } from '@bufbuild/protobuf/codegenv2';

const file: GenFile = fileDesc(
  'CgxzdHJlYW0ucHJvdG8SBWJlbmNoIiQKDExhcmdlUmVxdWVzdBIUCgVjb3VudBgBIAEoBVIFY291bnQiLQoJTGFyZ2VJdGVtEgwKAW4YASABKAVSAW4SEgoEdGV4dBgCIAEoCVIEdGV4dDJBCg1TdHJlYW1TZXJ2aWNlEjAKBUxhcmdlEhMuYmVuY2guTGFyZ2VSZXF1ZXN0GhAuYmVuY2guTGFyZ2VJdGVtMAFiBnByb3RvMw',
);

export type LargeRequest = Message<'bench.LargeRequest'> & { count: number };
export const LargeRequestSchema: GenMessage<LargeRequest> = messageDesc(file, 0);

export type LargeItem = Message<'bench.LargeItem'> & { n: number; text: string };
export const LargeItemSchema: GenMessage<LargeItem> = messageDesc(file, 1);

export const StreamService: GenService<{
  large: {
    methodKind: 'server_streaming';
    input: typeof LargeRequestSchema;
    output: typeof LargeItemSchema;
  };
}> = serviceDesc(file, 0);
