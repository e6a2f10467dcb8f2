import Lake
open Lake DSL

package project
{{require}}
