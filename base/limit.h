/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every limit on what is read from others, in one place. A row is a name, a value, a unit, what sets another value
 * (NULL: nothing), and what it is about. vit_limit_at (vit/limits.h) gives the rows to programs; docs/limits.md has
 * them for people, with what is said past each, and a test compares the two.
 */
#ifndef VIT_LIMIT_H
#define VIT_LIMIT_H

#include <stddef.h>
#include <stdint.h>

/* Limits of pictures. */
#define VIT__LIMIT_PICTURE_BYTES (UINT64_C(1) << 30)
#define VIT__LIMIT_PICTURE_PIXELS 178956970u
#define VIT__LIMIT_JXL_PIXELS (UINT64_C(1) << 26)
#define VIT__LIMIT_JPEG_SCANNED_PIXELS (UINT64_C(1) << 32)
#define VIT__LIMIT_PNG_EDGE 1000000u
#define VIT__LIMIT_PNG_TEXT_BYTES ((size_t)1 << 20)
#define VIT__LIMIT_BITMAP_COLOURS 65536u
#define VIT__LIMIT_HEIF_ITEMS 1000u
#define VIT__LIMIT_HEIF_DEPTH 5u

/* Limits of JSON and tokenizers. */
#define VIT__LIMIT_JSON_BYTES 100000000u
#define VIT__LIMIT_JSON_DEPTH 2047u
#define VIT__LIMIT_TOKENIZER_BYTES 200000000u
#define VIT__LIMIT_TOKENIZER_STEPS 32
#define VIT__LIMIT_TOKENIZER_DEPTH 8
#define VIT__LIMIT_TOKEN_BYTES 1024
#define VIT__LIMIT_TEXT_BYTES (4u * 1024u * 1024u)
#define VIT__LIMIT_TEXT_TOKENS 1000000u

/* Limits of weights. */
#define VIT__LIMIT_SAFETENSORS_HEADER_BYTES 100000000u
#define VIT__LIMIT_TENSOR_RANK 8
#define VIT__LIMIT_ZIP_MEMBERS 1000000u
#define VIT__LIMIT_PICKLE_DEPTH 10000000u
#define VIT__LIMIT_PICKLE_ITEMS 8u
#define VIT__LIMIT_TORCH_COPIES 4u
#define VIT__LIMIT_MODULES 16
#define VIT__LIMIT_DENSE_LAYERS 3

/* Limits of models. */
#define VIT__LIMIT_MODEL_EDGE 65536u
#define VIT__LIMIT_MODEL_WIDTH 65536u
#define VIT__LIMIT_MODEL_MLP_WIDTH 1048576u
#define VIT__LIMIT_MODEL_DEPTH 1024u
#define VIT__LIMIT_MODEL_BRANCHES 64u
#define VIT__LIMIT_MODEL_STAGES 8
#define VIT__LIMIT_MODEL_CLASSES 16777216u
#define VIT__LIMIT_MODEL_TOKENS 1048576u
#define VIT__LIMIT_WINDOW_TOKENS 16384u
#define VIT__LIMIT_MODEL_TABLES 268435456u

/* Limits of the hub. */
#define VIT__LIMIT_HUB_LISTING_BYTES (32u * 1024 * 1024)
#define VIT__LIMIT_HUB_FILES 10000u
#define VIT__LIMIT_HUB_FILE_NAME 1024u
#define VIT__LIMIT_HUB_NAME 96
#define VIT__LIMIT_HUB_REVISION 255
#define VIT__LIMIT_HUB_REFERENCE_BYTES 127u
#define VIT__LIMIT_HUB_HEADER_BYTES ((size_t)64 * 1024)
#define VIT__LIMIT_HUB_REDIRECTS 5
#define VIT__LIMIT_HUB_TOKEN_BYTES (64 * 1024)

/* Limits of an index. */
#define VIT__LIMIT_CAPTION_BYTES 65536
#define VIT__LIMIT_POSTGRES_DIMENSIONS 16000
#define VIT__LIMIT_POSTGRES_TABLE_NAME 48

/* Limits of the server. */
#define VIT__LIMIT_SERVE_BODY_BYTES (32u << 20)
#define VIT__LIMIT_SERVE_HEADER_BYTES 32768
#define VIT__LIMIT_SERVE_PIXELS 50000000u
#define VIT__LIMIT_SERVE_INPUTS 2048
#define VIT__LIMIT_SERVE_WORDS_BYTES 65536
#define VIT__LIMIT_SERVE_LABELS 1000
#define VIT__LIMIT_SERVE_NEAREST 1000
#define VIT__LIMIT_SERVE_PARTS 8
#define VIT__LIMIT_SERVE_BOUNDARY 70
#define VIT__LIMIT_SERVE_MEMORY_BYTES ((uint64_t)512 << 20)
#define VIT__LIMIT_SERVE_QUEUE 256
#define VIT__LIMIT_SERVE_CONNECTIONS 256
#define VIT__LIMIT_SERVE_KEYS_BYTES (1 << 20)

/* Limits of the command. */
#define VIT__LIMIT_MEMBER_TEXT_BYTES ((size_t)1 << 20)
#define VIT__LIMIT_NPY_HEADER_BYTES 4096
#define VIT__LIMIT_LABEL_FILE_BYTES (1 << 26)
#define VIT__LIMIT_LABEL_TABLE_BYTES ((uint64_t)1 << 30)
#define VIT__LIMIT_FIT_TABLE_BYTES ((uint64_t)4 << 30)
#define VIT__LIMIT_SIDECAR_BYTES ((uint64_t)1 << 32)
#define VIT__LIMIT_METADATA_BYTES (1u << 20)
#define VIT__LIMIT_MANIFEST_BYTES ((uint64_t)1 << 30)
#define VIT__LIMIT_COUNT 1000000u
#define VIT__LIMIT_THREADS 1024u
#define VIT__LIMIT_HTML_PICTURES 5000
#define VIT__LIMIT_HTML_FIGURES 50
#define VIT__LIMIT_FIT_GRID 14

#define VIT__LIMITS(ROW)                                                                                               \
    ROW(PICTURE_BYTES, "picture_bytes", "bytes", "vit_decode_options.max_bytes", "of a picture's file")                \
    ROW(PICTURE_PIXELS, "picture_pixels", "pixels", "vit_decode_options.max_pixels, --max-pixels",                     \
        "of a picture, by its header; PIL refuses it too")                                                             \
    ROW(JXL_PIXELS, "jxl_pixels", "pixels", NULL, "of a JPEG XL picture, which libjxl decodes as floats")              \
    ROW(JPEG_SCANNED_PIXELS, "jpeg_scanned_pixels", "pixels", NULL, "of all scans of a progressive JPEG together")     \
    ROW(PNG_EDGE, "png_edge", "pixels", NULL, "of an edge of a PNG that is written, as libpng has it")                 \
    ROW(PNG_TEXT_BYTES, "png_text_bytes", "bytes", NULL, "of a PNG's text that holds its orientation")                 \
    ROW(BITMAP_COLOURS, "bitmap_colours", "colours", NULL, "of the palette of a BMP or ICO")                           \
    ROW(HEIF_ITEMS, "heif_items", "items", NULL, "of a HEIC or AVIF file")                                             \
    ROW(HEIF_DEPTH, "heif_depth", "levels", NULL, "of pictures made of pictures in a HEIC file")                       \
    ROW(JSON_BYTES, "json_bytes", "bytes", NULL, "of a JSON file of a checkpoint")                                     \
    ROW(JSON_DEPTH, "json_depth", "levels", NULL, "of arrays and objects in each other: jansson's, less one")          \
    ROW(TOKENIZER_BYTES, "tokenizer_bytes", "bytes", NULL, "of a file of a tokenizer")                                 \
    ROW(TOKENIZER_STEPS, "tokenizer_steps", "steps", NULL, "of a tokenizer's normalizer")                              \
    ROW(TOKENIZER_DEPTH, "tokenizer_depth", "levels", NULL, "of sequences of a tokenizer in each other")               \
    ROW(TOKEN_BYTES, "token_bytes", "bytes", NULL, "of one token of a vocabulary")                                     \
    ROW(TEXT_BYTES, "text_bytes", "bytes", NULL, "of one text")                                                        \
    ROW(TEXT_TOKENS, "text_tokens", "tokens", NULL, "that a text may be cut to")                                       \
    ROW(SAFETENSORS_HEADER_BYTES, "safetensors_header_bytes", "bytes", NULL,                                           \
        "of the header of a safetensors file, as safetensors has it")                                                  \
    ROW(TENSOR_RANK, "tensor_rank", "dimensions", NULL, "of a tensor")                                                 \
    ROW(ZIP_MEMBERS, "zip_members", "members", NULL, "of a file of torch.save")                                        \
    ROW(PICKLE_DEPTH, "pickle_depth", "values", NULL, "on the stack of a pickle")                                      \
    ROW(PICKLE_ITEMS, "pickle_items", "items for each byte", NULL, "in the lists of a pickle")                         \
    ROW(TORCH_COPIES, "torch_copies", "bytes for each byte", NULL,                                                     \
        "that are copied from a file of torch.save whose tensors are turned")                                          \
    ROW(MODULES, "modules", "modules", NULL, "in modules.json of sentence-transformers")                               \
    ROW(DENSE_LAYERS, "dense_layers", "layers", NULL, "of sentence-transformers behind the pooling")                   \
    ROW(MODEL_EDGE, "model_edge", "pixels or tokens", NULL, "of a picture, a patch, a grid, or of a text")             \
    ROW(MODEL_WIDTH, "model_width", "numbers", NULL, "of a token's vector")                                            \
    ROW(MODEL_MLP_WIDTH, "model_mlp_width", "numbers", NULL, "inside a block")                                         \
    ROW(MODEL_DEPTH, "model_depth", "blocks", NULL, "of an encoder")                                                   \
    ROW(MODEL_BRANCHES, "model_branches", "branches", NULL, "of a block")                                              \
    ROW(MODEL_STAGES, "model_stages", "stages", NULL, "of an encoder")                                                 \
    ROW(MODEL_CLASSES, "model_classes", "classes", NULL, "of a classifier, or tokens of a vocabulary")                 \
    ROW(MODEL_TOKENS, "model_tokens", "tokens", NULL, "of a picture")                                                  \
    ROW(WINDOW_TOKENS, "window_tokens", "tokens", NULL, "of a window of attention")                                    \
    ROW(MODEL_TABLES, "model_tables", "numbers", NULL,                                                                 \
        "of each table of positions that is computed when a model opens: 1 GiB")                                       \
    ROW(HUB_LISTING_BYTES, "hub_listing_bytes", "bytes", NULL, "of the list of a repository's files")                  \
    ROW(HUB_FILES, "hub_files", "files", NULL, "of a repository")                                                      \
    ROW(HUB_FILE_NAME, "hub_file_name", "bytes", NULL, "of the name of a file of a repository")                        \
    ROW(HUB_NAME, "hub_name", "bytes", NULL, "of each half of org/name")                                               \
    ROW(HUB_REVISION, "hub_revision", "bytes", NULL, "of the name of a revision")                                      \
    ROW(HUB_REFERENCE_BYTES, "hub_reference_bytes", "bytes", NULL, "of a file in refs/ of the cache")                  \
    ROW(HUB_HEADER_BYTES, "hub_header_bytes", "bytes", NULL, "of the header of an answer")                             \
    ROW(HUB_REDIRECTS, "hub_redirects", "redirects", NULL, "of one request")                                           \
    ROW(HUB_TOKEN_BYTES, "hub_token_bytes", "bytes", NULL, "of the file of a token")                                   \
    ROW(CAPTION_BYTES, "caption_bytes", "bytes", NULL, "of the file of a caption; a larger file is none")              \
    ROW(POSTGRES_DIMENSIONS, "postgres_dimensions", "numbers", NULL, "of a vector in PostgreSQL, as pgvector has it")  \
    ROW(POSTGRES_TABLE_NAME, "postgres_table_name", "bytes", NULL, "of the name of a table in PostgreSQL")             \
    ROW(SERVE_BODY_BYTES, "serve_body_bytes", "bytes", "--max-body", "of the body of a request")                       \
    ROW(SERVE_HEADER_BYTES, "serve_header_bytes", "bytes", NULL, "of the header of a request")                         \
    ROW(SERVE_PIXELS, "serve_pixels", "pixels", "--max-pixels", "of a picture of a request: 150 MB decoded")           \
    ROW(SERVE_INPUTS, "serve_inputs", "inputs", "--max-inputs", "of a request")                                        \
    ROW(SERVE_WORDS_BYTES, "serve_words_bytes", "bytes", NULL, "of the words of one input")                            \
    ROW(SERVE_LABELS, "serve_labels", "labels", NULL, "of a request")                                                  \
    ROW(SERVE_NEAREST, "serve_nearest", "pictures", NULL, "of the answer of a search")                                 \
    ROW(SERVE_PARTS, "serve_parts", "parts", NULL, "of a multipart body")                                              \
    ROW(SERVE_BOUNDARY, "serve_boundary", "bytes", NULL, "of a boundary of a multipart body, RFC 2046, section 5.1.1") \
    ROW(SERVE_MEMORY_BYTES, "serve_memory_bytes", "bytes", "--max-memory",                                             \
        "of the bodies of all requests and what is made of them")                                                      \
    ROW(SERVE_QUEUE, "serve_queue", "inputs", "--queue", "that wait, of all requests")                                 \
    ROW(SERVE_CONNECTIONS, "serve_connections", "connections", "--max-connections",                                    \
        "of each address that is listened on")                                                                         \
    ROW(SERVE_KEYS_BYTES, "serve_keys_bytes", "bytes", NULL, "of the file of keys")                                    \
    ROW(MEMBER_TEXT_BYTES, "member_text_bytes", "bytes", NULL, "of a text in a tar file")                              \
    ROW(NPY_HEADER_BYTES, "npy_header_bytes", "bytes", NULL, "of the header of a .npy file")                           \
    ROW(LABEL_FILE_BYTES, "label_file_bytes", "bytes", NULL, "of a file of labels in words")                           \
    ROW(LABEL_TABLE_BYTES, "label_table_bytes", "bytes", NULL, "of a table of labels of vit search")                   \
    ROW(FIT_TABLE_BYTES, "fit_table_bytes", "bytes", NULL, "of a table or list of vit fit")                            \
    ROW(SIDECAR_BYTES, "sidecar_bytes", "bytes", NULL, "of the list of paths beside a file of vectors")                \
    ROW(METADATA_BYTES, "metadata_bytes", "bytes", NULL, "of FILE.meta.json")                                          \
    ROW(MANIFEST_BYTES, "manifest_bytes", "bytes", NULL, "of the manifest of a folder of parts")                       \
    ROW(COUNT, "count", "", NULL, "of an option that counts, such as --batch")                                         \
    ROW(THREADS, "threads", "threads", NULL, "of --threads")                                                           \
    ROW(HTML_PICTURES, "html_pictures", "pictures", NULL, "that a page of vit search shows; others are named")         \
    ROW(HTML_FIGURES, "html_figures", "pictures", NULL, "for each query, whose patches vit search draws")              \
    ROW(FIT_GRID, "fit_grid", "values", NULL, "of C that are tried")

#endif
