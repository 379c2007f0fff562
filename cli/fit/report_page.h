/* SPDX-License-Identifier: BSD-2-Clause */
/* The report of `vit fit` as one page: figures, confusions as a picture, the curve over C, the worst mistakes. */
#ifndef CLI_REPORT_PAGE_H
#define CLI_REPORT_PAGE_H

#include "report.h"

/* false, with a message, if the page cannot be written. */
bool cli_report_page(const cli_report *report, const char *path);

#endif
