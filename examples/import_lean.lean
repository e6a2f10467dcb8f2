/- Lean's own library: its imports are run once and reused. -/
import Lean

open Lean

#check Elab.Command.CommandElabM
#eval (Json.mkObj [("lean", 4)]).compress
#eval versionString.startsWith "4"
