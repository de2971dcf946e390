import { serve } from './serve.mjs';

self.addEventListener('message', ({ ports: [port] }) => serve(port), { once: true });
