/* SPDX-License-Identifier: BSD-2-Clause */
/* The code by which messages and JSON name an error of an input: "corrupt". */
#ifndef CLI_ERROR_CODE_H
#define CLI_ERROR_CODE_H

#include "vit/vit.h"

/* The code for a status. A status that no input can have is "internal". */
const char *cli_error_code(vit_status status);

#endif
