// SPDX-License-Identifier: GPL-3.0-or-later

package netns

// BeforeStep has f called before each step of l.Up; an error of f's fails the step.
func BeforeStep(l *Lab, f func(step string) error) { l.before = f }
