package server_test

// Who is right, where our answers and those of Apicurio 3.0.9 differ.
const (
	levelKeyDiffers         = "Apicurio 3.0.9 names the level it was given compatibilityLevel. Confluent's answers compatibility."
	bothKeysDiffers         = "clients differ in which name they read, so we answer both"
	unsetDiffers            = "Confluent's: 40408, \"does not have subject-level compatibility configured\"; the global level when asked to default to it"
	badLevelDiffers         = "ours is Confluent's 42203; theirs is an internal error"
	noneIgnoredDiffers      = "Apicurio 3.0.9 goes on enforcing a global level that the subject's NONE takes away"
	firstDiffers            = "a subject without versions takes everything, as with Confluent's; Apicurio says so of `latest` only"
	noJSONDiffers           = "an error of ours is JSON, whatever it is about"
	emptyBodyDiffers        = "ours is what Confluent's says of a body that is no JSON at all"
	sameTextDiffers         = "the same schema in another spacing is the same schema: Apicurio 3.0.9 compares texts"
	versionIDDiffers        = "ours is Confluent's 42202, \"not a valid version id\""
	absentDiffers           = "Apicurio 3.0.9 does not have this call"
	emptySchemaDiffers      = "Apicurio registers \"\", which is no schema"
	referencesDiffers       = "Apicurio can't check a schema that refers to another"
	throughReferenceDiffers = "Apicurio does not see what breaks inside a reference, and registers it"
	softFirstDiffers        = "Confluent's status for these codes is 404; a 409 reads as incompatible"
	deletedFlagDiffers      = "Confluent's says that a version is deleted"
	modesDiffers            = "Apicurio 3.0.9 has no modes: it answers 204 without a body, and clients stumble over it"
	decimalsDiffers         = "decimals match only with equal precision and scale: the same bytes would be another number"
	aliasesDiffers          = "Apicurio refuses aliases that fit two fields as no schema, ours as unreadable. Either way nobody is hurt."
	badDefaultDiffers       = "both refuse a default that is no value of its type; the row asks only what can be read"
	notTransitiveDiffers    = "Apicurio checks all versions here, also when the level is not transitive; it registers the schema all the same"
)

// knownDifferences are by step of the conversation.
var knownDifferences = map[string]difference{
	"PUT /config/$absent":                                        {`200 {"compatibility":"BACKWARD"}`, `200 {"compatibilityLevel":"BACKWARD"}`, levelKeyDiffers},
	"PUT /config/$orders":                                        {`200 {"compatibility":"FORWARD"}`, `200 {"compatibilityLevel":"FORWARD"}`, levelKeyDiffers},
	"PUT /config/$free none":                                     {`200 {"compatibility":"NONE"}`, `200 {"compatibilityLevel":"NONE"}`, levelKeyDiffers},
	"PUT /config/$totals":                                        {`200 {"compatibility":"FORWARD"}`, `200 {"compatibilityLevel":"FORWARD"}`, levelKeyDiffers},
	"DELETE /config/$orders":                                     {`200 {"compatibility":"FORWARD","compatibilityLevel":"FORWARD"}`, `200 {"compatibilityLevel":"FORWARD"}`, bothKeysDiffers},
	"GET /config/$orders unset":                                  {`404 {"error_code":40408}`, `404 {"error_code":40401}`, unsetDiffers},
	"GET /config/$orders?defaultToGlobal=true unset":             {`200 {"compatibilityLevel":"BACKWARD"}`, `404 {"error_code":40401}`, unsetDiffers},
	"DELETE /config/$orders unset":                               {`404 {"error_code":40408}`, `404 {"error_code":40401}`, unsetDiffers},
	"GET /config/$orders gone":                                   {`404 {"error_code":40408}`, `200 {"compatibilityLevel":"NONE"}`, unsetDiffers},
	"PUT /config/$orders unknown":                                {`422 {"error_code":42203}`, `500 {"error_code":0}`, badLevelDiffers},
	"PUT /config/$orders empty":                                  {`422 {"error_code":42203}`, `500 {"error_code":0}`, badLevelDiffers},
	"POST /subjects/$free/versions none":                         {`200 {"id":""}`, `409 {"error_code":409}`, noneIgnoredDiffers},
	"POST /compatibility/subjects/$orders/versions absent":       {`200 {"is_compatible":true}`, `404 {"error_code":40401}`, firstDiffers},
	"GET /schemas/ids/x":                                         {`404 {"error_code":404}`, `404, not JSON`, noJSONDiffers},
	"GET /nowhere":                                               {`404 {"error_code":404}`, `404, not JSON`, noJSONDiffers},
	"POST /subjects/$bad/versions body":                          {`400 {"error_code":400}`, `400, not JSON`, noJSONDiffers},
	"POST /subjects/$bad/versions body empty":                    {`400 {"error_code":400}`, `422 {"error_code":42201}`, emptyBodyDiffers},
	"POST /subjects/$spaced/versions spaced":                     {`200 {"id":"#v1"}`, `200 {"id":"#spaced"}`, sameTextDiffers},
	"GET /schemas/ids/#v1/versions":                              {`200 [{"subject":"$orders","version":1},{"subject":"$others","version":1},{"subject":"$spaced","version":1}]`, `200 [{"subject":"$orders","version":1},{"subject":"$others","version":1}]`, sameTextDiffers},
	"GET /subjects/$orders/versions/0":                           {`422 {"error_code":42202}`, `404 {"error_code":40402}`, versionIDDiffers},
	"GET /subjects/$orders/versions/abc":                         {`422 {"error_code":42202}`, `404 {"error_code":40402}`, versionIDDiffers},
	"POST /compatibility/subjects/$orders/versions/x":            {`422 {"error_code":42202}`, `404 {"error_code":40402}`, versionIDDiffers},
	"GET /schemas/ids/#v1/subjects":                              {`200 ["$orders","$others","$spaced"]`, `404, not JSON`, absentDiffers},
	"POST /subjects/$empty/versions":                             {`422 {"error_code":42201}`, `200 {"id":""}`, emptySchemaDiffers},
	"GET /subjects?deleted=true":                                 {`200 ["$free","$orders","$others","$spaced","$totals"]`, `200 ["$empty","$free","$orders","$others","$spaced","$totals"]`, emptySchemaDiffers},
	"POST /compatibility/subjects/$lines/versions/latest refers": {`200 {"is_compatible":true}`, `422 {"error_code":42201}`, referencesDiffers},
	"POST /compatibility/subjects/$lines/versions/latest breaks in the reference": {`200 {"is_compatible":false}`, `422 {"error_code":42201}`, referencesDiffers},
	"POST /subjects/$lines/versions breaks in the reference":                      {`409 {"error_code":409}`, `200 {"id":""}`, throughReferenceDiffers},
	"DELETE /subjects/$lines":                                     {`200 [1]`, `200 [1,2]`, throughReferenceDiffers},
	"DELETE /subjects/$lines?permanent=true":                      {`200 [1]`, `200 [1,2]`, throughReferenceDiffers},
	"DELETE /subjects/$orders/versions/3?permanent=true not soft": {`404 {"error_code":40407}`, `409 {"error_code":40407}`, softFirstDiffers},
	"DELETE /subjects/$orders/versions/3 twice":                   {`404 {"error_code":40406}`, `409 {"error_code":40406}`, softFirstDiffers},
	"DELETE /subjects/$others?permanent=true not soft":            {`404 {"error_code":40405}`, `409 {"error_code":40405}`, softFirstDiffers},
	"GET /subjects/$orders/versions/3?deleted=true":               {`200 {"deleted":true,"id":"#v3","subject":"$orders","version":3}`, `200 {"id":"#v3","subject":"$orders","version":3}`, deletedFlagDiffers},
	"GET /mode/$orders":                                           {`404 {"error_code":40409}`, `204, not JSON`, modesDiffers},
	"PUT /mode/$orders":                                           {`200 {"mode":"READONLY"}`, `204, not JSON`, modesDiffers},
	"PUT /mode/$orders back":                                      {`200 {"mode":"READWRITE"}`, `204, not JSON`, modesDiffers},
	"PUT /mode/$orders unknown":                                   {`422 {"error_code":42204}`, `400, not JSON`, modesDiffers},
}

// knownVerdicts are by row of the corpora.
var knownVerdicts = map[string]difference{
	"ruby-033":           {`latest false, all false, register 409`, `latest true, all true, register 200`, decimalsDiffers},
	"twmb-026":           {`latest false, all false, register 409`, `latest true, all true, register 200`, decimalsDiffers},
	"spec-048":           {`latest false, all false, register 409`, `latest true, all true, register 200`, decimalsDiffers},
	"ruby-015":           {`latest false, all false, register 409`, `latest 422, all 422, register 422`, aliasesDiffers},
	"spec-007":           {`latest false, all false, register 409`, `latest 422, all 422, register 422`, aliasesDiffers},
	"spec-010":           {`latest false, all false, register 409`, `latest 422, all 422, register 422`, aliasesDiffers},
	"karapace-008":       {`latest 422, all 422, register 422`, `latest 422, all 422, register 422`, badDefaultDiffers},
	"spec-086":           {`version 1: 422`, `version 1: 422`, badDefaultDiffers},
	"mode-karapace-185":  {`version 1: 422`, `version 1: 422`, badDefaultDiffers},
	"mode-confluent-024": {`latest true, all true, register 200`, `latest true, all false, register 200`, notTransitiveDiffers},
	"mode-axonops-131":   {`latest true, all true, register 200`, `latest true, all false, register 200`, notTransitiveDiffers},
	"mode-axonops-137":   {`latest true, all true, register 200`, `latest true, all false, register 200`, notTransitiveDiffers},
	"mode-confluent-035": {`latest true, all true, register 200`, `version 2: 409`, noneIgnoredDiffers},
	"mode-karapace-117":  {`latest false, all false, register 409`, `version 2: 409`, noneIgnoredDiffers},
	"mode-karapace-191":  {`latest false, all false, register 409`, `version 2: 409`, noneIgnoredDiffers},
	"mode-axonops-095":   {`latest true, all true, register 200`, `latest false, all false, register 409`, noneIgnoredDiffers},
	"mode-axonops-096":   {`latest true, all true, register 200`, `latest false, all false, register 409`, noneIgnoredDiffers},
	"mode-axonops-119":   {`latest true, all true, register 200`, `latest false, all false, register 409`, noneIgnoredDiffers},
	"mode-karapace-147":  {`latest false, all false, register 409`, `version 2: 409`, noneIgnoredDiffers},
	"mode-karapace-150":  {`latest false, all false, register 409`, `version 2: 409`, noneIgnoredDiffers},
	"mode-karapace-192":  {`latest false, all false, register 409`, `version 2: 409`, noneIgnoredDiffers},
}
