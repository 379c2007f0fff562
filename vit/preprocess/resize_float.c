/* SPDX-License-Identifier: BSD-2-Clause */
typedef int vit__placeholder_resize_float;
