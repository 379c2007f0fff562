/* SPDX-License-Identifier: BSD-2-Clause */
/* Compiler attributes of the public functions; everything else in the libraries is hidden. */
#ifndef VIT_EXPORT_H
#define VIT_EXPORT_H

#if defined(__GNUC__) || defined(__clang__)
#define VIT_API __attribute__((visibility("default")))
#else
#define VIT_API
#endif

/* Lets the compiler check the arguments of a function that takes a format. */
#if defined(__GNUC__) || defined(__clang__)
#define VIT_PRINTF(string, first) __attribute__((__format__(__printf__, string, first)))
#else
#define VIT_PRINTF(string, first)
#endif

#endif
