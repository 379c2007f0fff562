/* SPDX-License-Identifier: BSD-2-Clause */
#include "vit/vit.h"
#include <stdio.h>
int main(void) { puts(vit_version()); return 0; }
