/* What there is to make known to TensorFlow. */
#pragma once

void addWinogradOps();
void addUnfoldOps();
