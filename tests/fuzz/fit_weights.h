/* SPDX-License-Identifier: BSD-2-Clause */
/* A config whose sizes were changed is refused at the first tensor, and what follows never sees it. So the tensors are
 * made to fit. */
#ifndef VIT_FIT_WEIGHTS_H
#define VIT_FIT_WEIGHTS_H

#include <stdbool.h>

/* Makes the weights in the scratch folder what its config asks for: a tensor that is there in its shape stays, others
 * are made up, and those that no tower has a place for go. false: the config is no good, the model would be large, or
 * its weights stand in another folder or in a file of their own kind. */
bool fit_weights(void);

#endif
