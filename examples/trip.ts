/**
 * `tsx examples/trip.ts`: a trip is booked by sagas. The hotel and its breakfast are a saga of their own, inside that of
 * the trip. When the last step fails, everything that was booked is cancelled, in reverse.
 */
import { Console, Effect, Layer, Schema } from "effect"
import { Activity, Journal, Saga, Tempolite, Workflow } from "../src/index.ts"

class SoldOut extends Schema.TaggedError<SoldOut>()("SoldOut", { what: Schema.String }) {}

class Book extends Activity.Tag<Book>()("Book", {
  payload: { what: Schema.String },
  success: Schema.String, // the booking
  error: SoldOut
}) {}
class Cancel extends Activity.Tag<Cancel>()("Cancel", { payload: { booking: Schema.String } }) {}

/** The keys of a saga are its own: below `stay`, these are `stay/room` and `stay/breakfast`. */
class Stay extends Saga.Tag<Stay>()("Stay", {
  payload: { city: Schema.String },
  error: SoldOut,
  keys: Schema.Literal("room", "breakfast", "cancel room", "cancel breakfast")
}) {}

const StayLive = Stay.layer(
  Effect.fn("Stay")(function*({ city }) {
    yield* Book.execute("room", { what: `room in ${city}` }).pipe(
      Saga.compensate((booking) => Cancel.execute("cancel room", { booking }))
    )
    yield* Book.execute("breakfast", { what: `breakfast in ${city}` }).pipe(
      Saga.compensate((booking) => Cancel.execute("cancel breakfast", { booking }))
    )
  })
)

class Trip extends Workflow.Tag<Trip>()("Trip", { payload: { city: Schema.String }, error: SoldOut }) {}

const TripLive = Trip.layer(
  Effect.fn("Trip")(function*({ city }) {
    yield* Book.execute("flight", { what: `flight to ${city}` }).pipe(
      Saga.compensate((booking) => Cancel.execute("cancel flight", { booking }))
    )
    yield* Stay.execute("stay", { city }).pipe(
      // A saga that succeeded is undone as a whole, by whoever says how.
      Saga.compensate(() => Cancel.execute("cancel stay", { booking: `stay in ${city}` }))
    )
    // If the opera is sold out, dinner will do; if that is, too, there is no trip.
    yield* Saga.scoped("evening", Book.execute("opera", { what: `opera in ${city}` })).pipe(
      Effect.orElse(() => Book.execute("dinner", { what: `dinner in ${city}` }))
    )
  })
)

const soldOut = ["breakfast in Rome", "opera in Paris", "opera in Oslo", "dinner in Oslo"]
const ActivitiesLive = Layer.merge(
  Book.layer(({ what }) =>
    soldOut.includes(what)
      ? Effect.zipRight(Console.log(`  sold out: ${what}`), new SoldOut({ what }))
      : Effect.as(Console.log(`  booked: ${what}`), what)
  ),
  Cancel.layer(({ booking }) => Console.log(`  cancelled: ${booking}`))
)

const AppLive = TripLive.pipe(
  Layer.provide(StayLive),
  Layer.provide(ActivitiesLive),
  Layer.provideMerge(Tempolite.layer()),
  Layer.provide(Journal.layerMemory)
)

const program = Effect.forEach(["Paris", "Rome", "Oslo"], (city) =>
  Trip.execute(city, { city }).pipe(
    Effect.match({ onFailure: (error) => `${city}: ${error._tag}`, onSuccess: () => `${city}: booked` }),
    Effect.flatMap(Console.log)
  ))
await Effect.runPromise(Effect.provide(program, AppLive))
